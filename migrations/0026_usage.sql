-- What customers may use, and what they used: counted as it is reported, exactly once.
-- Why in this way: docs/adr/0019-usage.md

-- One row for each meter that a subscription grants, and for what is used of a meter that nothing grants: the terms, and
-- what was used in the current period. Whoever counts locks it, so that terms and counter always belong together.
CREATE TABLE allowances (
  tenant_id           integer NOT NULL REFERENCES environments,
  customer_id         uuid NOT NULL,
  feature_id          uuid NOT NULL,
  -- The subscription that grants it, by its first record; all zeros where nothing does.
  lineage_id          uuid NOT NULL,
  -- Its record in force.
  subscription_id     uuid,
  -- Not where nothing grants it any more: a change of plan may bring it back.
  is_granted          boolean NOT NULL,
  ends_at             timestamptz,
  -- Terms: the limit in units, none where there is no limit; from where its periods are counted, where it begins again.
  usage_limit         bigint CHECK (usage_limit >= 0),
  is_hard             boolean NOT NULL DEFAULT false,
  every               text,
  anchor_at           timestamptz,
  time_zone           text,
  carry_percentage    numeric CHECK (carry_percentage BETWEEN 0 AND 100),
  carry_limit         bigint CHECK (carry_limit >= 0),
  alert_type          text CHECK (alert_type IN ('PERCENTAGE', 'BALANCE')),
  alert_thresholds    json NOT NULL DEFAULT '[]',
  -- What holds for this customer instead of the limit, and until when.
  is_overridden       boolean NOT NULL DEFAULT false,
  override_limit      bigint CHECK (override_limit >= 0),
  override_until      timestamptz,
  -- Since when these terms hold: what was used before stands in days of its own.
  since               timestamptz NOT NULL,
  -- When its usage was last set to zero by the merchant, or moved to what grants the meter since. What was used before
  -- stands in days of its own, and counts in them alone if it is reported later.
  reset_at            timestamptz,
  -- Until when usage was charged: what is counted before that leaves its invoice behind.
  charged_until       timestamptz,
  -- The current period, and what was used in it: `total` is the sum, the highest, the latest, as the meter counts.
  period_start        timestamptz,
  period_end          timestamptz,
  total               numeric NOT NULL DEFAULT 0,
  count               bigint NOT NULL DEFAULT 0,
  latest_at           timestamptz,
  held                bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
  carried             bigint NOT NULL DEFAULT 0 CHECK (carried >= 0),
  -- Thresholds of which the merchant was told in this period.
  alerted             json NOT NULL DEFAULT '[]',
  -- Whether the counter is what the days of its period come to: not where it was set to zero, where something came from
  -- elsewhere, or where another period was let begin in the middle of it.
  is_whole            boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, customer_id, feature_id, lineage_id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  FOREIGN KEY (tenant_id, feature_id) REFERENCES features
-- Counted again and again, and never by a column that an index has: there is room for that on each page.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- What was used day by day, in UTC. A day is divided where a period begins in it, or where terms changed: so whatever
-- period is asked for is made of whole rows.
CREATE TABLE usage_days (
  tenant_id    integer NOT NULL,
  customer_id  uuid NOT NULL,
  feature_id   uuid NOT NULL,
  lineage_id   uuid NOT NULL,
  starts_at    timestamptz NOT NULL,
  total        numeric NOT NULL,
  count        bigint NOT NULL,
  latest_at    timestamptz,
  PRIMARY KEY (tenant_id, customer_id, feature_id, lineage_id, starts_at)
) WITH (fillfactor = 70);

-- The different values of a meter that counts those, by day like the above.
CREATE TABLE usage_values (
  tenant_id    integer NOT NULL,
  customer_id  uuid NOT NULL,
  feature_id   uuid NOT NULL,
  lineage_id   uuid NOT NULL,
  digest       bytea NOT NULL CHECK (length(digest) = 16),
  starts_at    timestamptz NOT NULL,
  -- It was not used then, but while nothing granted the meter, and counts for what has granted it since.
  is_moved     boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, customer_id, feature_id, lineage_id, digest, starts_at)
);
CREATE INDEX usage_values_by_day ON usage_values
  (tenant_id, customer_id, feature_id, lineage_id, starts_at) INCLUDE (digest);

-- Everything that was reported, never changed. Ids carry the machine's time, so a partition is a month.
CREATE TABLE usage_events (
  tenant_id    integer NOT NULL,
  id           uuid NOT NULL,
  customer_id  uuid NOT NULL,
  key          text,
  event_name   text NOT NULL,
  happened_at  timestamptz NOT NULL,
  received_at  timestamptz NOT NULL,
  -- Of usage that came added up.
  feature_id   uuid,
  behaviour    text CHECK (behaviour IN ('SET', 'DELTA')),
  value        bigint,
  -- Where enforcement was asked for: how much was beyond the limit.
  beyond       bigint,
  properties   json,
  resource_id  text,
  -- What was counted of it: feature, subscription, day, and by how much.
  counted      json NOT NULL,
  PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE usage_events_at_other_times PARTITION OF usage_events DEFAULT;

-- Keys that callers gave to what they reported, for ever: who sends it again is told what became of it the first time.
CREATE TABLE usage_keys (
  tenant_id  integer NOT NULL,
  key        text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  event_id   uuid NOT NULL,
  -- Of what was sent: another body under the same key is another event.
  digest     bytea NOT NULL CHECK (length(digest) = 16),
  PRIMARY KEY (tenant_id, key) INCLUDE (event_id)
);

-- How much of a metered period was invoiced, at which price: what is reported later is charged with the next invoice.
CREATE TABLE usage_charges (
  tenant_id     integer NOT NULL,
  lineage_id    uuid NOT NULL,
  feature_id    uuid NOT NULL,
  period_start  timestamptz NOT NULL,
  period_end    timestamptz NOT NULL,
  quantity      bigint NOT NULL,
  price_id      uuid NOT NULL,
  is_behind     boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, lineage_id, feature_id, period_start)
);
CREATE INDEX usage_charges_behind ON usage_charges (tenant_id, lineage_id) WHERE is_behind;

-- Makes the partition of the month in which an instant lies, unless it is there.
CREATE FUNCTION make_usage_partition(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  month timestamptz := date_trunc('month', at, 'UTC');
  name text := 'usage_events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
  IF to_regclass(name) IS NULL THEN
    EXECUTE format('CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)', name,
      lowest_id(month), lowest_id(month + interval '1 month'));
  END IF;
END $$;

-- The lowest id that carries an instant, as the server makes them.
CREATE FUNCTION lowest_id(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT
  RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

SELECT make_usage_partition('2026-11-01'::timestamptz + number * interval '1 month')
  FROM generate_series(0, 13) AS number;
