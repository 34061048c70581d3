-- What visitors of some countries get cheaper, and the banner that tells them.
CREATE TABLE promotions (
  tenant_id     integer NOT NULL REFERENCES environments,
  id            uuid NOT NULL,
  seq           bigint GENERATED ALWAYS AS IDENTITY,
  name          text NOT NULL,
  is_enabled    boolean NOT NULL,
  -- How many hundredths, by group of countries and by country, which comes first.
  groups        json NOT NULL,
  countries     json NOT NULL,
  -- What it holds for: products, and plans of them.
  restrictions  json NOT NULL,
  banner        json NOT NULL,
  security      json NOT NULL,
  created_at    timestamptz NOT NULL,
  modified_at   timestamptz NOT NULL,
  deleted_at    timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX promotions_listed ON promotions (tenant_id, seq) WHERE deleted_at IS NULL;

-- The codes of a promotion are discounts: one for each of its countries, another one when the percentage is another.
ALTER TABLE discounts
  ADD COLUMN promotion_id uuid,
  ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT discounts_of_promotion_fk FOREIGN KEY (tenant_id, promotion_id) REFERENCES promotions,
  ADD CONSTRAINT discounts_of_promotion_in_country CHECK ((promotion_id IS NULL) = (country IS NULL));
CREATE UNIQUE INDEX discounts_of_promotion ON discounts (tenant_id, promotion_id, country)
  WHERE promotion_id IS NOT NULL AND deleted_at IS NULL;
