-- Webhooks: the log of everything announced, who wants to be told, what is on its way, and what came of it.
-- How the parts work together, and why in this way: docs/adr/0012-webhooks.md

-- Whose event it is, if a customer's; and when it was passed on, in order: into the log, and to its handlers.
-- What is there already counts as passed on, without being written anew.
ALTER TABLE outbox ADD COLUMN customer_id uuid, ADD COLUMN relayed_at timestamptz DEFAULT 'epoch';
ALTER TABLE outbox ALTER COLUMN relayed_at SET DEFAULT NULL;

CREATE TABLE webhook_endpoints (
  tenant_id        integer NOT NULL REFERENCES environments,
  id               uuid NOT NULL UNIQUE,
  seq              bigint GENERATED ALWAYS AS IDENTITY,
  url              text NOT NULL,
  event_types      text[] NOT NULL CHECK (cardinality(event_types) > 0),
  description      text NOT NULL,
  is_enabled       boolean NOT NULL,
  disabled_reason  text CHECK (disabled_reason IN ('REQUESTED', 'GONE', 'FAILING')),
  -- In machine time, as is the first failure since the last success.
  disabled_at      timestamptz,
  failing_since    timestamptz,
  sealed_secret    bytea,
  secret_start     text NOT NULL,
  created_at       timestamptz NOT NULL,
  modified_at      timestamptz NOT NULL,
  -- The row stays, without its secret, for the attempts that name it.
  deleted_at       timestamptz,
  PRIMARY KEY (tenant_id, id),
  CHECK (is_enabled = (disabled_reason IS NULL) AND is_enabled = (disabled_at IS NULL)),
  CHECK (deleted_at IS NULL = (sealed_secret IS NOT NULL) AND (deleted_at IS NULL OR NOT is_enabled))
);
CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (tenant_id, seq) WHERE deleted_at IS NULL;

-- Everything announced, in the order in which it is told.
CREATE TABLE webhook_events (
  tenant_id    integer NOT NULL REFERENCES environments,
  position     bigint GENERATED ALWAYS AS IDENTITY,
  id           uuid NOT NULL,
  type         text NOT NULL,
  customer_id  uuid,
  created_at   timestamptz NOT NULL,
  -- Machine time, from which on the log keeps it for so long.
  logged_at    timestamptz NOT NULL,
  -- The bytes that are signed and sent.
  body         text NOT NULL,
  PRIMARY KEY (tenant_id, position),
  UNIQUE (tenant_id, id)
);
CREATE INDEX webhook_events_by_type ON webhook_events (tenant_id, type, position);
CREATE INDEX webhook_events_by_customer ON webhook_events (tenant_id, customer_id, position);
CREATE INDEX webhook_events_by_time ON webhook_events (tenant_id, created_at);
CREATE INDEX webhook_events_swept ON webhook_events (logged_at);

-- A line in which deliveries to one endpoint wait for each other: one customer's, or one event that left its line.
CREATE SEQUENCE webhook_leases;
CREATE TABLE webhook_lanes (
  endpoint_id  uuid NOT NULL REFERENCES webhook_endpoints (id),
  lane         uuid NOT NULL,
  -- Machine time at which its first delivery may be tried; while that is on its way, when it is taken for lost.
  due_at       timestamptz NOT NULL,
  is_taken     boolean NOT NULL DEFAULT false,
  -- Names the latest taking: what came of an earlier one no longer counts.
  lease        bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (endpoint_id, lane)
) WITH (fillfactor = 70);
CREATE INDEX webhook_lanes_due ON webhook_lanes (endpoint_id, due_at);

-- An event that an endpoint has not taken yet.
CREATE TABLE webhook_deliveries (
  endpoint_id  uuid NOT NULL,
  lane         uuid NOT NULL,
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id    integer NOT NULL,
  position     bigint NOT NULL,
  failures     smallint NOT NULL DEFAULT 0,
  -- Machine time, from which on it is tried for so long.
  queued_at    timestamptz NOT NULL,
  PRIMARY KEY (endpoint_id, lane, seq),
  UNIQUE (endpoint_id, position),
  FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints,
  FOREIGN KEY (tenant_id, position) REFERENCES webhook_events
);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (tenant_id, position);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (queued_at);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, queued_at);

-- What came of each attempt. Its id carries the instant of the attempt, in machine time, and so sorts by it.
CREATE TABLE webhook_attempts (
  tenant_id     integer NOT NULL,
  id            uuid NOT NULL,
  endpoint_id   uuid NOT NULL,
  position      bigint NOT NULL,
  attempted_at  timestamptz NOT NULL,
  retry_count   smallint NOT NULL,
  is_success    boolean NOT NULL,
  status_code   smallint,
  milliseconds  integer NOT NULL,
  failure       text,
  answer        text,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints,
  FOREIGN KEY (tenant_id, position) REFERENCES webhook_events
);
CREATE INDEX webhook_attempts_by_event ON webhook_attempts (tenant_id, position);

-- How many attempts each day had, in UTC, so that the list of a million of them is counted and jumped in at once.
CREATE TABLE webhook_tallies (
  tenant_id  integer NOT NULL,
  day        date NOT NULL,
  count      integer NOT NULL,
  PRIMARY KEY (tenant_id, day)
) WITH (fillfactor = 50);
CREATE INDEX webhook_tallies_swept ON webhook_tallies (day);
