-- What customers have bought and go on having: subscriptions, and purchases that are paid once.

-- One row for each record. A change of plan makes a new record; renewals move the period of the one there is.
CREATE TABLE subscriptions (
  tenant_id        integer NOT NULL REFERENCES environments,
  id               uuid NOT NULL,
  -- Its place in lists.
  seq              bigint GENERATED ALWAYS AS IDENTITY,
  -- The first record of the same subscription, and the one that this replaced, or is to replace.
  lineage_id       uuid NOT NULL,
  predecessor_id   uuid,
  -- Not while a checkout is at it: nobody gets to see it before it is paid.
  is_seen          boolean NOT NULL,
  status           text NOT NULL CHECK (status IN
    ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'superseded')),
  billing_type     text NOT NULL CHECK (billing_type IN ('ONE_TIME', 'SUBSCRIPTION')),
  customer_id      uuid NOT NULL,
  product_id       uuid NOT NULL,
  plan_id          uuid NOT NULL,
  -- What it grants, and what it costs: versions of the plan, which publishing may move apart.
  version_id       uuid NOT NULL,
  price_id         uuid NOT NULL,
  charge_period    text NOT NULL,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  features         json NOT NULL,
  -- What was agreed on instead of the price.
  custom_amount    numeric,
  tax_behavior     text,
  -- What a period costs, before discounts and taxes.
  amount_units     bigint NOT NULL,
  discount_id      uuid,
  -- How many periods were charged so far, which is how long a discount holds.
  cycle            integer NOT NULL CHECK (cycle >= 0),
  -- Periods are counted from the anchor, by the seller's calendar of that day.
  time_zone        text NOT NULL,
  anchor_at        timestamptz NOT NULL,
  period_index     integer NOT NULL,
  period_start     timestamptz,
  period_end       timestamptz CHECK (period_end > period_start),
  trial_start_at   timestamptz,
  trial_end_at     timestamptz,
  -- What was charged for the whole of the period, which a change credits the rest of; what the next invoice takes over.
  worth            json NOT NULL,
  carried          json NOT NULL,
  started_at       timestamptz NOT NULL,
  ends_at          timestamptz,
  canceled_at      timestamptz,
  cancellation_reason    text,
  cancellation_feedback  text,
  cancellation_comment   text,
  -- When a first payment, or that of a change, is too late.
  expires_at       timestamptz,
  -- Since when something is owed, how often that was tried again, and when it is tried next.
  owing_since      timestamptz,
  retries          smallint NOT NULL DEFAULT 0,
  retry_at         timestamptz,
  -- Since when a payment is on its way for which a clock waits; until when, in machine time, somebody has it in hand.
  collecting_since timestamptz,
  leased_until     timestamptz,
  -- The idempotency claim under which it was asked for.
  request_id       uuid,
  created_at       timestamptz NOT NULL,
  modified_at      timestamptz NOT NULL,
  -- The earliest instant at which something is to be done about it.
  due_at           timestamptz GENERATED ALWAYS AS (CASE
    WHEN status IN ('trialing', 'active', 'past_due') THEN least(period_end, ends_at, retry_at, collecting_since)
    WHEN status = 'incomplete' THEN expires_at
    WHEN status = 'canceled' THEN least(retry_at, collecting_since)
  END) STORED,
  PRIMARY KEY (tenant_id, id),
  CHECK ((billing_type = 'SUBSCRIPTION') = (period_end IS NOT NULL)),
  CHECK (status <> 'trialing' OR trial_end_at = period_end),
  CHECK ((retry_at IS NULL) OR (owing_since IS NOT NULL)),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  -- With it, its plan, its prices and their product stay: what was ever published is never deleted.
  FOREIGN KEY (tenant_id, version_id) REFERENCES plan_versions,
  FOREIGN KEY (tenant_id, lineage_id) REFERENCES subscriptions DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (tenant_id, predecessor_id) REFERENCES subscriptions
) WITH (fillfactor = 85);
CREATE INDEX subscriptions_due ON subscriptions (tenant_id, due_at, id) WHERE due_at IS NOT NULL;
-- At most one record of a subscription is in force, and at most one waits to take its place.
CREATE UNIQUE INDEX subscriptions_in_force ON subscriptions (tenant_id, lineage_id)
  WHERE status IN ('trialing', 'active', 'past_due');
CREATE UNIQUE INDEX subscriptions_waiting ON subscriptions (tenant_id, lineage_id) WHERE status = 'incomplete';
CREATE UNIQUE INDEX subscriptions_listed ON subscriptions (tenant_id, seq) INCLUDE (id)
  WHERE is_seen AND (status IN ('trialing', 'active', 'past_due') OR status = 'incomplete' AND predecessor_id IS NULL);
CREATE INDEX subscriptions_by_status ON subscriptions (tenant_id, status, seq) INCLUDE (id) WHERE is_seen;
CREATE INDEX subscriptions_by_customer ON subscriptions (tenant_id, customer_id, seq);
CREATE INDEX subscriptions_by_lineage ON subscriptions (tenant_id, lineage_id);
CREATE INDEX subscriptions_by_predecessor ON subscriptions (tenant_id, predecessor_id) WHERE predecessor_id IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_by_request ON subscriptions (tenant_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX subscriptions_by_version ON subscriptions (tenant_id, version_id);
CREATE INDEX subscriptions_by_start ON subscriptions (tenant_id, started_at) WHERE is_seen;
CREATE INDEX subscriptions_by_change ON subscriptions (tenant_id, modified_at) WHERE is_seen;

-- As lists are tallied elsewhere; those that wait are few, and counted as they are read.
CREATE FUNCTION tally_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  own_slot integer := pg_backend_pid() % 64;
BEGIN
  -- One transaction may change statuses several times, and of several records: whoever uses this slot, too, waits here,
  -- so that nobody who has counted one status waits for somebody who has counted another.
  PERFORM pg_advisory_xact_lock(
    hashtext('subscriptions tallied in ' || own_slot), coalesce(NEW.tenant_id, OLD.tenant_id)
  );
  INSERT INTO status_tallies AS t (tenant_id, list, status, slot, count)
  SELECT tenant_id, 'subscriptions', status, own_slot, sum(change) FROM (
    SELECT OLD.tenant_id, OLD.status, -1 AS change WHERE TG_OP <> 'INSERT'
    UNION ALL SELECT NEW.tenant_id, NEW.status, 1 WHERE TG_OP <> 'DELETE'
  ) AS both_sides WHERE status <> 'incomplete' GROUP BY tenant_id, status HAVING sum(change) <> 0
  ON CONFLICT (tenant_id, list, status, slot) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;
CREATE TRIGGER tally_subscriptions AFTER INSERT OR DELETE OR UPDATE OF status ON subscriptions
  FOR EACH ROW EXECUTE FUNCTION tally_subscription();
