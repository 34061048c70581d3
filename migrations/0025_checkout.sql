-- What somebody is about to buy on the hosted page, and what became of it.

CREATE TABLE checkout_sessions (
  tenant_id      integer NOT NULL REFERENCES environments,
  -- Whoever has it can pay, so nobody can guess it.
  id             text NOT NULL,
  -- Its place in lists.
  seq            bigint GENERATED ALWAYS AS IDENTITY,
  status         text NOT NULL CHECK (status IN ('open', 'processing', 'success', 'failed', 'expired')),
  product_id     uuid NOT NULL,
  -- The merchant's id of the customer, who may not be there yet; ours once they are.
  external_id    text NOT NULL,
  customer_id    uuid,
  -- What was asked for when it was opened, what is chosen, what was typed, and what was offered.
  options        json NOT NULL,
  selection      json NOT NULL,
  details        json NOT NULL,
  offering       json NOT NULL,
  metadata       json NOT NULL,
  -- What a search looks at.
  folded         text NOT NULL,
  -- How many payments were tried. A page that is older than the last one pays for nothing.
  turn           integer NOT NULL DEFAULT 0,
  -- Why the last one failed, as the buyer reads it.
  failure        text,
  -- What is being paid with; it becomes the customer's once it has paid.
  card           json,
  -- Only within the transaction that begins a payment.
  is_beginning   boolean NOT NULL DEFAULT false,
  -- Whether the payment waits for its customer.
  needs_action   boolean NOT NULL DEFAULT false CHECK (NOT needs_action OR status = 'processing'),
  order_id       text,
  expires_at     timestamptz NOT NULL,
  completed_at   timestamptz CHECK ((completed_at IS NOT NULL) = (status = 'success')),
  created_at     timestamptz NOT NULL,
  modified_at    timestamptz NOT NULL,
  -- Until when, in machine time, somebody has it in hand.
  leased_until   timestamptz,
  due_at         timestamptz GENERATED ALWAYS AS
    (CASE WHEN status IN ('open', 'processing', 'failed') THEN expires_at END) STORED,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES products,
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders
) WITH (fillfactor = 85);
-- Buyers come with the id alone.
CREATE UNIQUE INDEX checkout_sessions_by_id ON checkout_sessions (id);
CREATE UNIQUE INDEX checkout_sessions_listed ON checkout_sessions (tenant_id, seq) INCLUDE (id);
CREATE INDEX checkout_sessions_by_status ON checkout_sessions (tenant_id, status, seq) INCLUDE (id);
CREATE INDEX checkout_sessions_by_day ON checkout_sessions (tenant_id, created_at);
CREATE INDEX checkout_sessions_by_text ON checkout_sessions USING gin (tenant_id, folded gin_trgm_ops);
CREATE INDEX checkout_sessions_by_product ON checkout_sessions (tenant_id, product_id);
CREATE INDEX checkout_sessions_by_customer ON checkout_sessions (tenant_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE UNIQUE INDEX checkout_sessions_by_order ON checkout_sessions (tenant_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX checkout_sessions_beginning ON checkout_sessions (tenant_id, customer_id) WHERE is_beginning;
CREATE INDEX checkout_sessions_due ON checkout_sessions (tenant_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE TRIGGER tally_checkout_sessions AFTER INSERT OR DELETE OR UPDATE OF status ON checkout_sessions
  FOR EACH ROW EXECUTE FUNCTION tally_status();

-- The timeline.
CREATE TABLE checkout_session_events (
  tenant_id    integer NOT NULL,
  id           bigint GENERATED ALWAYS AS IDENTITY,
  session_id   text NOT NULL,
  title        text NOT NULL,
  code         text NOT NULL,
  status       text NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
  metadata     json NOT NULL,
  happened_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, session_id) REFERENCES checkout_sessions
);
CREATE INDEX checkout_session_events_of_session ON checkout_session_events (tenant_id, session_id, id);

-- A link to a product names it alone.
CREATE INDEX products_by_id ON products (id);
