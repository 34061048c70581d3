-- Tax rates, each for the days from valid_from until the day before valid_until.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE tax_rates (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- None: a packaged rate, which every tenant has, and which its own rates come before.
  tenant_id     integer REFERENCES environments,
  -- Lists show the highest first.
  seq           bigint GENERATED ALWAYS AS IDENTITY,
  country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  -- None: the whole country.
  state         text CHECK (state IS NULL OR (state ~ '^[A-Z]{2}$' AND country IN ('US', 'CA'))),
  -- None: every kind of product.
  tax_code      text,
  rate_percent  numeric NOT NULL CHECK (rate_percent BETWEEN 0 AND 100),
  name          text NOT NULL,
  valid_from    date NOT NULL,
  valid_until   date CHECK (valid_until >= valid_from),
  -- Where a packaged rate comes from.
  source        text CHECK ((source IS NULL) = (tenant_id IS NOT NULL)),
  -- On any day, one rate of the same kind is in force.
  EXCLUDE USING gist (
    coalesce(tenant_id, 0) WITH =, country WITH =, coalesce(state, '') WITH =, coalesce(tax_code, '') WITH =,
    daterange(valid_from, valid_until) WITH &&
  )
);
CREATE INDEX tax_rates_by_tenant ON tax_rates (tenant_id, country);
