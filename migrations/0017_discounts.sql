-- Discounts: codes that take something off a price, for which plans they hold, and which orders redeemed them.

CREATE TABLE discounts (
  tenant_id         integer NOT NULL REFERENCES environments,
  id                uuid NOT NULL,
  seq               bigint GENERATED ALWAYS AS IDENTITY,
  name              text NOT NULL,
  code              text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
  -- The code without differences of case, by which it is found.
  folded_code       text NOT NULL,
  -- What a search looks at: code and name without differences of case.
  folded            text NOT NULL,
  type              text NOT NULL CHECK (type IN ('PERCENTAGE', 'FIXED_AMOUNT')),
  percentage        numeric CHECK (percentage > 0 AND percentage <= 100),
  amount_units      bigint CHECK (amount_units > 0),
  currency          text CHECK (currency ~ '^[A-Z]{3}$'),
  is_recurring      boolean NOT NULL,
  -- How many billing cycles it holds for; none: for ever, where it is recurring.
  cycles            integer CHECK (cycles > 0),
  redemption_limit  integer CHECK (redemption_limit > 0),
  -- How many rows discount_redemptions has of it, changed together with them.
  redemptions       integer NOT NULL DEFAULT 0 CHECK (redemptions >= 0),
  expires_at        timestamptz,
  is_enabled        boolean NOT NULL,
  metadata          json NOT NULL,
  created_at        timestamptz NOT NULL,
  modified_at       timestamptz NOT NULL,
  -- The row stays, for the orders that redeemed it.
  deleted_at        timestamptz,
  PRIMARY KEY (tenant_id, id),
  CHECK ((type = 'PERCENTAGE') = (percentage IS NOT NULL)),
  CHECK ((type = 'FIXED_AMOUNT') = (amount_units IS NOT NULL)),
  CHECK ((amount_units IS NULL) = (currency IS NULL)),
  CHECK (is_recurring OR cycles IS NULL),
  -- Whatever happens at once: nobody redeems it once too often.
  CONSTRAINT discounts_redeemed_within_limit CHECK (redemptions <= redemption_limit)
);
CREATE UNIQUE INDEX discounts_by_code ON discounts (tenant_id, folded_code) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX discounts_listed ON discounts (tenant_id, seq) WHERE deleted_at IS NULL;

-- What a discount holds for; none: for everything. Plans and prices that were published are never deleted.
CREATE TABLE discount_restrictions (
  tenant_id    integer NOT NULL,
  discount_id  uuid NOT NULL,
  ordering     smallint NOT NULL,
  product_id   uuid NOT NULL,
  -- None: all plans of the product.
  plan_id      uuid,
  -- None: all prices of the plan.
  price_id     uuid CHECK (price_id IS NULL OR plan_id IS NOT NULL),
  PRIMARY KEY (tenant_id, discount_id, ordering),
  FOREIGN KEY (tenant_id, discount_id) REFERENCES discounts,
  FOREIGN KEY (tenant_id, product_id) REFERENCES products,
  FOREIGN KEY (tenant_id, plan_id) REFERENCES plans,
  FOREIGN KEY (tenant_id, price_id) REFERENCES plan_prices
);
CREATE INDEX discount_restrictions_by_plan ON discount_restrictions (tenant_id, plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX discount_restrictions_by_price ON discount_restrictions (tenant_id, price_id) WHERE price_id IS NOT NULL;

CREATE TABLE discount_redemptions (
  tenant_id     integer NOT NULL,
  discount_id   uuid NOT NULL,
  seq           bigint GENERATED ALWAYS AS IDENTITY,
  order_id      text NOT NULL,
  customer_id   uuid NOT NULL,
  currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  -- How much was taken off.
  amount_units  bigint NOT NULL CHECK (amount_units >= 0),
  redeemed_at   timestamptz NOT NULL,
  UNIQUE (tenant_id, discount_id, order_id),
  FOREIGN KEY (tenant_id, discount_id) REFERENCES discounts,
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
CREATE INDEX discount_redemptions_listed ON discount_redemptions (tenant_id, discount_id, seq);
CREATE INDEX discount_redemptions_by_order ON discount_redemptions (tenant_id, order_id);
