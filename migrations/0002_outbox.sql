-- What happened, written in the transaction that made it happen, handled after it.

CREATE TABLE outbox (
  -- Order of writing: two events of one customer stand in the order in which they happened.
  seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  -- No tenant: something that happened to the instance itself.
  tenant_id   integer REFERENCES environments,
  type        text NOT NULL,
  payload     json NOT NULL,
  created_at  timestamptz NOT NULL,
  -- Machine time of the next attempt; NULL once handled.
  due_at      timestamptz,
  attempts    smallint NOT NULL DEFAULT 0,
  handled_at  timestamptz,
  failure     text
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_handled ON outbox (handled_at) WHERE handled_at IS NOT NULL;
