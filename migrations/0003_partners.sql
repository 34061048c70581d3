-- Partners provision organizations and may read back those they made.

CREATE TABLE partners (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL,
  key_hash    bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  key_shown   text NOT NULL CHECK (length(key_shown) = 12),
  created_at  timestamptz NOT NULL,
  revoked_at  timestamptz
);

CREATE TABLE partner_organizations (
  partner_id       integer NOT NULL REFERENCES partners,
  external_id      text NOT NULL,
  organization_id  integer NOT NULL UNIQUE REFERENCES organizations,
  user_id          integer NOT NULL REFERENCES users,
  client_key_id    uuid NOT NULL REFERENCES api_keys,
  server_key_id    uuid NOT NULL REFERENCES api_keys,
  PRIMARY KEY (partner_id, external_id)
);
