-- What subscriptions grant: one row for each record in force, written in the transaction in which that begins or ends.
CREATE TABLE grants (
  tenant_id        integer NOT NULL REFERENCES environments,
  customer_id      uuid NOT NULL,
  lineage_id       uuid NOT NULL,
  -- The record in force, the version of the plan, and when it ends, where that is known.
  subscription_id  uuid NOT NULL,
  version_id       uuid NOT NULL,
  ends_at          timestamptz,
  -- In the plan's order: each feature, and the value of what is no METER.
  entries          json NOT NULL,
  granted_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, lineage_id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
) WITH (fillfactor = 85);

-- What holds for one customer instead of what their subscriptions grant.
CREATE TABLE overrides (
  tenant_id    integer NOT NULL REFERENCES environments,
  customer_id  uuid NOT NULL,
  feature_id   uuid NOT NULL,
  feature      text NOT NULL,
  feature_type text NOT NULL CHECK (feature_type IN ('BOOLEAN', 'CUSTOMIZABLE', 'METER')),
  -- Of a METER the limit; null where it is not limited.
  value        json,
  reason       text NOT NULL,
  expires_at   timestamptz,
  created_at   timestamptz NOT NULL,
  modified_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, feature_id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  FOREIGN KEY (tenant_id, feature_id) REFERENCES features
);
