-- Organizations, their two environments (the tenants), the people and the keys.

CREATE TABLE organizations (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identifier  uuid NOT NULL UNIQUE,
  name        text NOT NULL,
  slug        text NOT NULL UNIQUE,
  created_at  timestamptz NOT NULL
);

-- An environment is a tenant: every row of business data belongs to exactly one.
CREATE TABLE environments (
  id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id  integer NOT NULL REFERENCES organizations,
  name             text NOT NULL CHECK (name IN ('sandbox', 'production')),
  UNIQUE (organization_id, name)
);

-- Only a sandbox has a clock of its own; without an instant it follows the system's.
CREATE TABLE clocks (
  tenant_id  integer PRIMARY KEY REFERENCES environments,
  frozen_at  timestamptz
);

CREATE TABLE users (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email       text NOT NULL UNIQUE CHECK (email = lower(email)),
  created_at  timestamptz NOT NULL
);

CREATE TABLE members (
  organization_id  integer NOT NULL REFERENCES organizations,
  user_id          integer NOT NULL REFERENCES users,
  role             text NOT NULL CHECK (role IN ('owner')),
  PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

-- A server key is kept as a hash; in full only client keys, which are public, and,
-- encrypted, the server keys that a partner provisioned and may read back.
CREATE TABLE api_keys (
  id          uuid PRIMARY KEY,
  tenant_id   integer NOT NULL REFERENCES environments,
  kind        text NOT NULL CHECK (kind IN ('server', 'client')),
  hash        bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  shown       text NOT NULL CHECK (length(shown) = 12),
  public_key  text CHECK ((kind = 'client') = (public_key IS NOT NULL)),
  sealed_key  bytea CHECK (kind = 'server' OR sealed_key IS NULL),
  created_at  timestamptz NOT NULL,
  revoked_at  timestamptz
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id);

-- One row: what proves that every process was given the same instance secret.
CREATE TABLE instance (
  id           boolean PRIMARY KEY DEFAULT true CHECK (id),
  secret_proof bytea NOT NULL
);
