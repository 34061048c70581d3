-- How customers pay: saved methods, attempts to move money, and the gateway that is built in for sandboxes.

CREATE TABLE payment_methods (
  tenant_id       integer NOT NULL REFERENCES environments,
  -- Numbers, as the published contract has them; newest last.
  id              bigint GENERATED ALWAYS AS IDENTITY,
  customer_id     uuid NOT NULL,
  -- What the gateway knows it as.
  gateway         text NOT NULL,
  gateway_method  text NOT NULL,
  method_type     text NOT NULL,
  method_data     json NOT NULL,
  is_default      boolean NOT NULL,
  status          text NOT NULL CHECK (status IN ('succeeded', 'requires_action')),
  created_at      timestamptz NOT NULL,
  modified_at     timestamptz NOT NULL,
  -- Kept for the payments that were made with it.
  deleted_at      timestamptz CHECK (deleted_at IS NULL OR NOT is_default),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (tenant_id, customer_id) WHERE is_default;
CREATE INDEX payment_methods_by_customer ON payment_methods (tenant_id, customer_id);
CREATE INDEX payment_methods_listed ON payment_methods (tenant_id, id)
  WHERE deleted_at IS NULL AND status = 'succeeded';
-- A customer's methods are asked for by the address, too.
CREATE INDEX customers_by_email ON customers (tenant_id, lower(email));

-- An attempt is written before the gateway is asked, under the key that the gateway gets: its id.
CREATE TABLE payment_attempts (
  tenant_id          integer NOT NULL REFERENCES environments,
  id                 uuid NOT NULL,
  kind               text NOT NULL CHECK (kind IN ('charge', 'refund')),
  gateway            text NOT NULL,
  -- What it pays for, in the words of the module that began it.
  subject            text NOT NULL,
  -- Of a refund: the charge that gives the money back.
  charge_id          uuid CHECK ((kind = 'refund') = (charge_id IS NOT NULL)),
  gateway_method     text NOT NULL,
  amount_units       bigint NOT NULL CHECK (amount_units > 0),
  currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status             text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  gateway_reference  text,
  failure_code       text CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
  failure_text       text,
  -- Machine time: when it began, and when it was last asked after.
  begun_at           timestamptz NOT NULL,
  asked_at           timestamptz NOT NULL,
  -- The tenant's time at which the gateway will know more, where it says so.
  answers_at         timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, charge_id) REFERENCES payment_attempts
);
-- Nothing is paid twice: while one attempt may succeed, or has, there is no other for the same.
CREATE UNIQUE INDEX payment_attempts_once ON payment_attempts (tenant_id, subject)
  WHERE kind = 'charge' AND status IN ('pending', 'succeeded');
CREATE INDEX payment_attempts_pending ON payment_attempts (asked_at) WHERE status = 'pending';
CREATE INDEX payment_attempts_answering ON payment_attempts (tenant_id, answers_at)
  WHERE status = 'pending' AND answers_at IS NOT NULL;
CREATE INDEX payment_attempts_by_charge ON payment_attempts (tenant_id, charge_id) WHERE charge_id IS NOT NULL;

-- What the sandbox's gateway remembers: it stands in for another company, so nothing refers to these rows.
CREATE TABLE sandbox_cards (
  tenant_id   integer NOT NULL REFERENCES environments,
  id          text NOT NULL,
  behavior    text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE TABLE sandbox_payments (
  tenant_id     integer NOT NULL REFERENCES environments,
  key           uuid NOT NULL,
  reference     text NOT NULL,
  status        text NOT NULL CHECK (status IN ('succeeded', 'failed', 'pending')),
  failure_code  text,
  amount_units  bigint NOT NULL,
  currency      text NOT NULL,
  -- Of a refund, the charge; how much of a charge was given back.
  charge_key    uuid,
  refunded_units  bigint NOT NULL DEFAULT 0 CHECK (refunded_units BETWEEN 0 AND amount_units),
  answers_at    timestamptz,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
