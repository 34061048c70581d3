-- Requests that bear an Idempotency-Key: who works on them, whether they did something, and what was answered first.
-- Why in this way: docs/adr/0013-idempotency.md

CREATE TABLE idempotency_claims (
  -- Whose key it is: the kind of caller, and its tenant or partner.
  scope           text NOT NULL,
  key             text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  id              uuid NOT NULL UNIQUE,
  -- Of method, path, query and body, under the instance secret.
  request_digest  bytea NOT NULL CHECK (length(request_digest) = 32),
  -- Machine time at which the latest run is taken for dead, unless it has answered.
  leased_until    timestamptz NOT NULL,
  -- Names the latest run: an earlier one commits nothing any more.
  lease           integer NOT NULL DEFAULT 1,
  -- Written by the transactions that had them.
  has_effects     boolean NOT NULL DEFAULT false,
  sealed_answer   bytea,
  PRIMARY KEY (scope, key)
) WITH (fillfactor = 70);
CREATE INDEX idempotency_claims_swept ON idempotency_claims (leased_until);
