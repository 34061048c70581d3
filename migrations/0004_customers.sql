-- Customers, with everything that makes a million of them quick to list, count and search.
-- The reasons and the measured alternatives: docs/adr/0004-lists-that-stay-fast.md

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE FUNCTION wire_instant(at timestamptz) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A customer as the API answers with it. Declared immutable because its result depends on its
-- arguments alone: to_json(text) and to_char() are marked stable for other types and formats.
CREATE FUNCTION customer_document(
  id uuid, external_id text, name text, email text, details json, metadata json,
  billing_address json, created_at timestamptz, modified_at timestamptz
) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN '{"id":"' || id || '","customerId":' || to_json(external_id)
    || ',"name":' || coalesce(to_json(name)::text, 'null')
    || ',"email":' || coalesce(to_json(email)::text, 'null')
    || ',"details":' || details::text
    || ',"metadata":' || coalesce(metadata::text, 'null')
    || ',"billingAddress":' || coalesce(billing_address::text, 'null')
    || ',"createdOn":"' || wire_instant(created_at)
    || '","modifiedOn":"' || wire_instant(modified_at) || '"}';

-- Fixed-width columns first, then the document: a list reads no other, and PostgreSQL walks over
-- every column of varying width that stands before the one it wants.
CREATE TABLE customers (
  tenant_id             integer NOT NULL REFERENCES environments,
  -- Kept by the subscriptions module; a customer who has one cannot be archived.
  active_subscriptions  integer NOT NULL DEFAULT 0 CHECK (active_subscriptions >= 0),
  id                    uuid NOT NULL,
  -- Order of creation; lists show the highest first.
  seq                   bigint GENERATED ALWAYS AS IDENTITY,
  created_at            timestamptz NOT NULL,
  modified_at           timestamptz NOT NULL,
  document              text NOT NULL GENERATED ALWAYS AS (customer_document(
    id, external_id, name, email, details, metadata, billing_address, created_at, modified_at
  )) STORED,
  external_id           text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 255),
  name                  text,
  email                 text,
  details               json NOT NULL DEFAULT '{}',
  metadata              json,
  billing_address       json,
  archived_at           timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, external_id)
);
CREATE UNIQUE INDEX customers_listed ON customers (tenant_id, seq) WHERE archived_at IS NULL;

-- How many customers are listed, by block of 4096 consecutive seq. The slot keeps writers of the same
-- block from queueing behind each other's flush; the sum over the slots is the exact number.
CREATE TABLE customer_tallies (
  tenant_id  integer NOT NULL,
  block      bigint NOT NULL,
  slot       smallint NOT NULL,
  count      integer NOT NULL,
  PRIMARY KEY (tenant_id, block, slot) INCLUDE (count)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE FUNCTION tally_added_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customer_tallies AS t (tenant_id, block, slot, count)
  SELECT tenant_id, seq >> 12, pg_backend_pid() % 64, count(*)
  FROM added WHERE archived_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (tenant_id, block, slot) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

CREATE FUNCTION tally_removed_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customer_tallies AS t (tenant_id, block, slot, count)
  SELECT tenant_id, seq >> 12, pg_backend_pid() % 64, -count(*)
  FROM removed WHERE archived_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (tenant_id, block, slot) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

CREATE FUNCTION tally_changed_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customer_tallies AS t (tenant_id, block, slot, count)
  SELECT tenant_id, seq >> 12, pg_backend_pid() % 64, sum(listed)
  FROM (
    SELECT tenant_id, seq, 1 AS listed FROM added WHERE archived_at IS NULL
    UNION ALL
    SELECT tenant_id, seq, -1 FROM removed WHERE archived_at IS NULL
  ) AS change
  GROUP BY 1, 2 HAVING sum(listed) <> 0 ORDER BY 1, 2
  ON CONFLICT (tenant_id, block, slot) DO UPDATE SET count = t.count + excluded.count;
  RETURN NULL;
END $$;

CREATE TRIGGER tally_added AFTER INSERT ON customers
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_added_customers();
CREATE TRIGGER tally_removed AFTER DELETE ON customers
  REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_removed_customers();
CREATE TRIGGER tally_changed AFTER UPDATE ON customers
  REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tally_changed_customers();

-- What search looks at, apart from the wide rows: a listed customer's three searched fields, folded.
CREATE TABLE customer_search (
  tenant_id  integer NOT NULL,
  seq        bigint NOT NULL,
  folded     text NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
-- A larger sample, which also tells a search what is too common to narrow by.
ALTER TABLE customer_search ALTER COLUMN folded SET STATISTICS 1000;
CREATE INDEX customer_search_by_text ON customer_search USING gin (tenant_id, folded gin_trgm_ops);
