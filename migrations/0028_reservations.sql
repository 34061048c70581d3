-- What is kept free of a meter for a while, until it is known how much is used.

CREATE TABLE reservations (
  tenant_id    integer NOT NULL REFERENCES environments,
  id           uuid NOT NULL,
  customer_id  uuid NOT NULL,
  feature_id   uuid NOT NULL,
  -- The caller's, for ever: who sends it again is answered as the first time.
  key          text CHECK (length(key) BETWEEN 1 AND 255),
  amount       bigint NOT NULL CHECK (amount > 0),
  status       text NOT NULL CHECK (status IN ('HELD', 'SETTLED', 'RELEASED', 'EXPIRED')),
  -- How much was used in the end.
  value        bigint CHECK (value >= 0) CHECK ((value IS NOT NULL) = (status = 'SETTLED')),
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL CHECK (expires_at > created_at),
  ended_at     timestamptz CHECK ((ended_at IS NOT NULL) = (status <> 'HELD')),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  FOREIGN KEY (tenant_id, feature_id) REFERENCES features
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX reservations_by_key ON reservations (tenant_id, key) WHERE key IS NOT NULL;
CREATE INDEX reservations_due ON reservations (tenant_id, expires_at, id) WHERE status = 'HELD';

-- How much reservations hold of which allowance, while they do: `allowances.held` is the sum of it.
CREATE TABLE usage_holds (
  tenant_id       integer NOT NULL,
  reservation_id  uuid NOT NULL,
  customer_id     uuid NOT NULL,
  feature_id      uuid NOT NULL,
  lineage_id      uuid NOT NULL,
  amount          bigint NOT NULL CHECK (amount > 0),
  PRIMARY KEY (tenant_id, reservation_id, lineage_id),
  FOREIGN KEY (tenant_id, reservation_id) REFERENCES reservations
) WITH (fillfactor = 85);
-- What is held while nothing grants it moves to the first subscription that does.
CREATE INDEX usage_holds_of_nothing ON usage_holds (tenant_id, customer_id, feature_id)
  WHERE lineage_id = '00000000-0000-0000-0000-000000000000';
