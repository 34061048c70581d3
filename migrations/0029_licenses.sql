-- Licence keys: one for each purchase of a plan that comes with one, in the transaction in which the purchase takes effect.
CREATE TABLE licenses (
  tenant_id         integer NOT NULL REFERENCES environments,
  id                uuid NOT NULL,
  -- Its place in lists.
  seq               bigint GENERATED ALWAYS AS IDENTITY,
  -- What its holder types in; replaced when somebody else has it.
  key               text NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
  customer_id       uuid NOT NULL,
  -- The purchase, and the record and the version of the plan that now stand for it.
  lineage_id        uuid NOT NULL,
  subscription_id   uuid NOT NULL,
  version_id        uuid NOT NULL,
  -- On how many machines it may be active at a time, and on how many it is. Null: on any number.
  activation_limit  integer CHECK (activation_limit >= 1),
  activation_usage  integer NOT NULL DEFAULT 0 CHECK (activation_usage >= 0),
  -- How long it holds from each charge on, by the plan; null for as long as the purchase does.
  duration_unit     text CHECK (duration_unit IN ('DAY', 'MONTH', 'YEAR')),
  duration_value    integer CHECK (duration_value >= 1),
  expires_at        timestamptz,
  -- When what was bought ends, whatever else holds.
  ends_at           timestamptz,
  -- Set by the merchant for this key alone: another plan does not change it.
  is_limit_own      boolean NOT NULL DEFAULT false,
  is_expiry_own     boolean NOT NULL DEFAULT false,
  enabled           boolean NOT NULL DEFAULT true,
  activated_at      timestamptz,
  created_at        timestamptz NOT NULL,
  modified_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers,
  CHECK ((duration_unit IS NULL) = (duration_value IS NULL))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX licenses_by_key ON licenses (tenant_id, key);
CREATE UNIQUE INDEX licenses_by_purchase ON licenses (tenant_id, lineage_id);
CREATE INDEX licenses_in_lists ON licenses (tenant_id, seq);
CREATE INDEX licenses_of_customer ON licenses (tenant_id, customer_id);

-- Where a licence is active. What is deactivated is gone; the log of events tells of it.
CREATE TABLE license_instances (
  tenant_id     integer NOT NULL,
  id            uuid NOT NULL,
  license_id    uuid NOT NULL,
  name          text,
  metadata      json NOT NULL,
  activated_at  timestamptz NOT NULL,
  last_seen_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, license_id, id),
  FOREIGN KEY (tenant_id, license_id) REFERENCES licenses
) WITH (fillfactor = 85);

-- What licences are signed with for use without a network; the newest that is not retired signs.
CREATE TABLE license_signing_keys (
  tenant_id    integer NOT NULL REFERENCES environments,
  id           uuid NOT NULL,
  public_key   bytea NOT NULL CHECK (length(public_key) = 32),
  -- With the instance secret.
  sealed_key   bytea NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
