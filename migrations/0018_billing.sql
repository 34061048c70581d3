-- What was sold and paid: orders, invoices, credit notes, refunds, transactions, and the journal that balances them.

-- An order's or an invoice's id. The last five characters are a number scattered over all there are, by a factor that has
-- nothing in common with their number: two of one second are equal only sixty million numbers apart.
CREATE FUNCTION document_id(prefix text, at timestamptz, number bigint) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN prefix || '-' || to_char(at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') || '-' || (
    SELECT string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
      ((number % 60466176) * 26544359 % 60466176 / (36 ^ place)::bigint % 36)::integer + 1, 1), '' ORDER BY place)
    FROM generate_series(0, 4) AS place);

CREATE SEQUENCE document_numbers;

CREATE TABLE orders (
  tenant_id        integer NOT NULL REFERENCES environments,
  id               text NOT NULL,
  -- Its place in lists, which is given anew when it is paid; none while nobody is to see it.
  listed_seq       bigint CHECK ((listed_seq IS NULL) = (status = 'PENDING')),
  status           text NOT NULL CHECK (status IN
    ('PENDING', 'COMPLETE', 'FAILED', 'REFUNDED', 'PARTIAL_REFUND', 'CANCELLED', 'FRAUDULENT')),
  billing_type     text NOT NULL CHECK (billing_type IN ('ONE_TIME', 'SUBSCRIPTION')),
  is_renewal       boolean NOT NULL DEFAULT false,
  is_trial         boolean NOT NULL DEFAULT false,
  customer_id      uuid NOT NULL,
  -- What was bought, under the id that callers know: a one-time purchase or a subscription.
  subscription_id  uuid NOT NULL,
  product_id       uuid NOT NULL,
  plan_version_id  uuid NOT NULL,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  subtotal_units   bigint NOT NULL,
  discount_units   bigint NOT NULL,
  tax_units        bigint NOT NULL,
  total_units      bigint NOT NULL CHECK (total_units >= 0),
  -- What the customer's credit pays of it; the rest is paid through the gateway.
  credit_units     bigint NOT NULL CHECK (credit_units BETWEEN 0 AND total_units),
  paid_units       bigint NOT NULL DEFAULT 0 CHECK (paid_units IN (0, total_units - credit_units)),
  -- Of refunds that succeeded or may still succeed: never more than was paid, whatever happens at once.
  refunding_units  bigint NOT NULL DEFAULT 0 CHECK (refunding_units BETWEEN 0 AND paid_units),
  refunded_units   bigint NOT NULL DEFAULT 0 CHECK (refunded_units BETWEEN 0 AND refunding_units),
  -- The customer and the purchased quantities as they were.
  buyer            json NOT NULL,
  features         json,
  custom_fields    json NOT NULL DEFAULT '{}',
  payment_method   json,
  invoice_id       text NOT NULL,
  -- The idempotency claim under which it was asked for.
  request_id       uuid,
  folded           text NOT NULL,
  paid_at          timestamptz,
  created_at       timestamptz NOT NULL,
  modified_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  FOREIGN KEY (tenant_id, product_id) REFERENCES products,
  FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions
);
CREATE SEQUENCE order_places OWNED BY orders.listed_seq;
-- Indexes of lists have the id beside, so that the pages before the one that is asked for cost their entries alone.
CREATE UNIQUE INDEX orders_listed ON orders (tenant_id, listed_seq) INCLUDE (id) WHERE listed_seq IS NOT NULL;
CREATE INDEX orders_by_status ON orders (tenant_id, status, listed_seq) INCLUDE (id) WHERE listed_seq IS NOT NULL;
CREATE INDEX orders_by_customer ON orders (tenant_id, customer_id);
CREATE INDEX orders_by_subscription ON orders (tenant_id, subscription_id);
CREATE INDEX orders_by_product ON orders (tenant_id, product_id);
CREATE INDEX orders_by_version ON orders (tenant_id, plan_version_id);
CREATE INDEX orders_by_day ON orders (tenant_id, paid_at) WHERE listed_seq IS NOT NULL;
CREATE INDEX orders_by_text ON orders USING gin (tenant_id, folded gin_trgm_ops) WHERE listed_seq IS NOT NULL;
CREATE UNIQUE INDEX orders_by_request ON orders (tenant_id, request_id) WHERE request_id IS NOT NULL;

-- The timeline.
CREATE TABLE order_events (
  tenant_id        integer NOT NULL,
  id               bigint GENERATED ALWAYS AS IDENTITY,
  order_id         text NOT NULL,
  subscription_id  uuid NOT NULL,
  title            text NOT NULL,
  code             text NOT NULL,
  status           text NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
  metadata         json NOT NULL,
  happened_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders
);
CREATE INDEX order_events_of_subscription ON order_events (tenant_id, subscription_id, id);
CREATE INDEX order_events_of_order ON order_events (tenant_id, order_id);

-- Numbers without gaps, of each kind of document. One row for each tenant: whoever takes a number keeps the others waiting
-- until it commits, or gives it back.
CREATE TABLE books (
  tenant_id     integer PRIMARY KEY REFERENCES environments,
  invoices      bigint NOT NULL DEFAULT 0,
  credit_notes  bigint NOT NULL DEFAULT 0
);
-- What was charged so far in each currency, which decides about fees. Written by whoever has the row above.
CREATE TABLE sold_amounts (
  tenant_id     integer NOT NULL REFERENCES environments,
  currency      text NOT NULL,
  amount_units  bigint NOT NULL,
  PRIMARY KEY (tenant_id, currency)
);

CREATE TABLE invoices (
  tenant_id        integer NOT NULL REFERENCES environments,
  id               text NOT NULL,
  -- Given when it is opened. Until then it is a draft, which counts for nothing.
  number           bigint CHECK (CASE status WHEN 'DRAFT' THEN number IS NULL WHEN 'VOID' THEN true
    ELSE number IS NOT NULL END),
  status           text NOT NULL CHECK (status IN ('DRAFT', 'OPEN', 'PAYMENT_FAILED', 'PAID', 'VOID')),
  -- None where nothing is sold by it: one that only adds to the customer's credit.
  order_id         text,
  customer_id      uuid NOT NULL,
  subscription_id  uuid NOT NULL,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  lines            json NOT NULL,
  subtotal_units   bigint NOT NULL,
  discount_units   bigint NOT NULL,
  tax_units        bigint NOT NULL,
  total_units      bigint NOT NULL,
  credit_units     bigint NOT NULL CHECK (credit_units <= greatest(total_units, 0)),
  buyer            json NOT NULL,
  seller           json NOT NULL,
  opened_at        timestamptz CHECK ((opened_at IS NULL) = (number IS NULL)),
  paid_at          timestamptz CHECK ((paid_at IS NULL) = (status <> 'PAID')),
  created_at       timestamptz NOT NULL,
  modified_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders,
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX invoices_listed ON invoices (tenant_id, number) INCLUDE (id);
CREATE INDEX invoices_by_order ON invoices (tenant_id, order_id);
CREATE INDEX invoices_by_customer ON invoices (tenant_id, customer_id);

CREATE FUNCTION refuse_changing_invoices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.number IS NOT NULL AND (TG_OP = 'DELETE' OR
    (OLD.status IN ('PAID', 'VOID') AND (NEW.status, NEW.paid_at) IS DISTINCT FROM (OLD.status, OLD.paid_at)) OR
    (NEW.number, NEW.order_id, NEW.customer_id, NEW.subscription_id, NEW.currency, NEW.lines::text, NEW.subtotal_units,
      NEW.discount_units, NEW.tax_units, NEW.total_units, NEW.credit_units, NEW.buyer::text, NEW.seller::text,
      NEW.opened_at, NEW.created_at)
    IS DISTINCT FROM
    (OLD.number, OLD.order_id, OLD.customer_id, OLD.subscription_id, OLD.currency, OLD.lines::text, OLD.subtotal_units,
      OLD.discount_units, OLD.tax_units, OLD.total_units, OLD.credit_units, OLD.buyer::text, OLD.seller::text,
      OLD.opened_at, OLD.created_at))
  THEN
    RAISE EXCEPTION 'an issued invoice does not change; a correction is a credit note';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER invoices_stay BEFORE UPDATE OR DELETE ON invoices
  FOR EACH ROW EXECUTE FUNCTION refuse_changing_invoices();

CREATE TABLE refunds (
  tenant_id       integer NOT NULL REFERENCES environments,
  id              uuid NOT NULL,
  seq             bigint GENERATED ALWAYS AS IDENTITY,
  order_id        text NOT NULL,
  customer_id     uuid NOT NULL,
  amount_units    bigint NOT NULL CHECK (amount_units > 0),
  reason          text NOT NULL CHECK (reason IN
    ('DUPLICATE', 'DASHBOARD_INITIATED', 'FRAUDULENT', 'REQUESTED_BY_CUSTOMER', 'OTHER')),
  internal_note   text,
  status          text NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  failure_reason  text CHECK ((failure_reason IS NOT NULL) = (status = 'FAILED')),
  request_id      uuid,
  folded          text NOT NULL,
  created_at      timestamptz NOT NULL,
  modified_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders,
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX refunds_listed ON refunds (tenant_id, seq);
CREATE INDEX refunds_by_order ON refunds (tenant_id, order_id);
CREATE INDEX refunds_by_customer ON refunds (tenant_id, customer_id);
CREATE INDEX refunds_by_text ON refunds USING gin (tenant_id, folded gin_trgm_ops);
CREATE UNIQUE INDEX refunds_by_request ON refunds (tenant_id, request_id) WHERE request_id IS NOT NULL;

CREATE TABLE credit_notes (
  tenant_id    integer NOT NULL REFERENCES environments,
  id           text NOT NULL,
  number       bigint NOT NULL,
  invoice_id   text NOT NULL,
  -- None where nothing went back through the gateway.
  refund_id    uuid,
  currency     text NOT NULL,
  -- For each line of the invoice: how much of it is taken back, and how much of its tax.
  lines        json NOT NULL,
  net_units    bigint NOT NULL,
  tax_units    bigint NOT NULL,
  total_units  bigint NOT NULL CHECK (total_units = net_units + tax_units),
  buyer        json NOT NULL,
  seller       json NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, refund_id),
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices,
  FOREIGN KEY (tenant_id, refund_id) REFERENCES refunds
);
CREATE INDEX credit_notes_by_invoice ON credit_notes (tenant_id, invoice_id);

CREATE FUNCTION refuse_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % stay as they were written', TG_TABLE_NAME;
END $$;
CREATE TRIGGER credit_notes_stay BEFORE UPDATE OR DELETE ON credit_notes
  FOR EACH ROW EXECUTE FUNCTION refuse_changes();

-- Every attempt to move money, with what it came to for the merchant. Its id is the attempt's.
CREATE TABLE transactions (
  tenant_id       integer NOT NULL REFERENCES environments,
  id              uuid NOT NULL,
  seq             bigint GENERATED ALWAYS AS IDENTITY,
  kind            text NOT NULL CHECK (kind IN
    ('CHARGE', 'REFUND', 'CHARGEBACK', 'CHARGEBACK_REVERSAL', 'CREDIT', 'PAYOUT', 'ADJUSTMENT')),
  status          text NOT NULL CHECK (status IN ('success', 'failure', 'pending')),
  order_id        text NOT NULL,
  refund_id       uuid,
  currency        text NOT NULL,
  -- Signed, as the merchant sees them: of a refund they are negative. Fees, tax and net stand once it succeeded.
  amount_units    bigint NOT NULL,
  fee_units       bigint NOT NULL DEFAULT 0,
  fees            json NOT NULL DEFAULT '[]',
  tax_units       bigint NOT NULL DEFAULT 0,
  net_units       bigint NOT NULL DEFAULT 0,
  payment_method  json NOT NULL,
  reference       text,
  available_on    date,
  folded          text NOT NULL,
  created_at      timestamptz NOT NULL,
  modified_at     timestamptz NOT NULL,
  CHECK (net_units = CASE status WHEN 'success' THEN amount_units - fee_units - tax_units ELSE 0 END),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders,
  FOREIGN KEY (tenant_id, refund_id) REFERENCES refunds
);
CREATE UNIQUE INDEX transactions_listed ON transactions (tenant_id, seq) INCLUDE (id);
CREATE INDEX transactions_by_status ON transactions (tenant_id, status, seq) INCLUDE (id);
CREATE INDEX transactions_by_day ON transactions (tenant_id, created_at);
CREATE INDEX transactions_by_order ON transactions (tenant_id, order_id);
CREATE INDEX transactions_by_text ON transactions USING gin (tenant_id, folded gin_trgm_ops);
CREATE INDEX transactions_by_refund ON transactions (tenant_id, refund_id) WHERE refund_id IS NOT NULL;

-- How many rows of a list have which status. The slot keeps writers from queueing behind each other.
CREATE TABLE status_tallies (
  tenant_id  integer NOT NULL,
  list       text NOT NULL,
  status     text NOT NULL,
  slot       smallint NOT NULL,
  count      bigint NOT NULL,
  PRIMARY KEY (tenant_id, list, status, slot) INCLUDE (count)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE FUNCTION tally_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed record;
BEGIN
  FOR changed IN
    SELECT tenant_id, status, sum(change) AS change FROM (
      SELECT OLD.tenant_id, OLD.status, -1 AS change WHERE TG_OP <> 'INSERT'
      UNION ALL SELECT NEW.tenant_id, NEW.status, 1 WHERE TG_OP <> 'DELETE'
    ) AS both_sides
    -- In this order, so that two who use one slot cannot wait for each other: what is completed as soon as it is
    -- written was counted as PENDING first.
    GROUP BY tenant_id, status HAVING sum(change) <> 0 ORDER BY tenant_id, status DESC
  LOOP
    INSERT INTO status_tallies AS t (tenant_id, list, status, slot, count)
    VALUES (changed.tenant_id, TG_TABLE_NAME, changed.status, pg_backend_pid() % 64, changed.change)
    ON CONFLICT (tenant_id, list, status, slot) DO UPDATE SET count = t.count + excluded.count;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER tally_orders AFTER INSERT OR DELETE OR UPDATE OF status ON orders
  FOR EACH ROW EXECUTE FUNCTION tally_status();
CREATE TRIGGER tally_transactions AFTER INSERT OR DELETE OR UPDATE OF status ON transactions
  FOR EACH ROW EXECUTE FUNCTION tally_status();

-- The journal. Debits are positive, credits negative; the lines of an entry sum to zero in each currency.
CREATE TABLE journal_entries (
  tenant_id       integer NOT NULL REFERENCES environments,
  id              bigint GENERATED ALWAYS AS IDENTITY,
  kind            text NOT NULL,
  order_id        text,
  transaction_id  uuid,
  -- Why, in the words of whoever granted credit.
  note            text,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders,
  FOREIGN KEY (tenant_id, transaction_id) REFERENCES transactions
);
-- Whatever comes twice is written once.
CREATE UNIQUE INDEX journal_entries_once ON journal_entries (tenant_id, kind, transaction_id)
  WHERE transaction_id IS NOT NULL;
CREATE UNIQUE INDEX journal_entries_held_once ON journal_entries (tenant_id, kind, order_id)
  WHERE kind IN ('credit_held', 'credit_released');
CREATE INDEX journal_entries_by_order ON journal_entries (tenant_id, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE journal_lines (
  tenant_id     integer NOT NULL,
  entry_id      bigint NOT NULL,
  account       text NOT NULL CHECK (account IN
    ('gateway', 'merchant', 'tax', 'fees', 'customer_credit', 'held_credit')),
  currency      text NOT NULL,
  -- Of which customer, in the accounts that each customer has.
  customer_id   uuid CHECK ((customer_id IS NOT NULL) = (account IN ('customer_credit', 'held_credit'))),
  amount_units  bigint NOT NULL CHECK (amount_units <> 0),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entries,
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
CREATE INDEX journal_lines_of_entry ON journal_lines (tenant_id, entry_id);
CREATE INDEX journal_lines_of_customer ON journal_lines (tenant_id, customer_id, account, currency)
  INCLUDE (amount_units) WHERE customer_id IS NOT NULL;
CREATE INDEX journal_lines_of_account ON journal_lines (tenant_id, account, currency) INCLUDE (amount_units);

CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM journal_lines WHERE tenant_id = NEW.tenant_id AND entry_id = NEW.entry_id
    GROUP BY currency HAVING sum(amount_units) <> 0
  ) THEN
    RAISE EXCEPTION 'journal entry % does not balance', NEW.entry_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON journal_lines
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();
CREATE TRIGGER journal_lines_stay BEFORE UPDATE OR DELETE ON journal_lines
  FOR EACH ROW EXECUTE FUNCTION refuse_changes();
CREATE TRIGGER journal_entries_stay BEFORE UPDATE OR DELETE ON journal_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_changes();
