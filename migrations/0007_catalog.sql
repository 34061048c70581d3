-- What is sold: products, features, and plans in versions with their prices and entitlements.

CREATE TABLE products (
  tenant_id    integer NOT NULL REFERENCES environments,
  id           uuid NOT NULL,
  -- Order of creation; lists show the highest first.
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  identifier   text NOT NULL,
  name         text NOT NULL,
  description  text NOT NULL DEFAULT '',
  tax_code     text NOT NULL,
  created_by   text NOT NULL DEFAULT '',
  -- What a search looks at: identifier, name and description without differences of case.
  folded       text NOT NULL,
  -- The product's settings, which the API shows apart.
  vpn          boolean NOT NULL DEFAULT true,
  tor          boolean NOT NULL DEFAULT true,
  proxy        boolean NOT NULL DEFAULT true,
  currency     text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  product_url  text,
  created_at   timestamptz NOT NULL,
  modified_at  timestamptz NOT NULL,
  archived_at  timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identifier)
);
CREATE UNIQUE INDEX products_listed ON products (tenant_id, seq) WHERE archived_at IS NULL;

CREATE TABLE features (
  tenant_id        integer NOT NULL REFERENCES environments,
  id               uuid NOT NULL,
  seq              bigint GENERATED ALWAYS AS IDENTITY,
  identifier       text NOT NULL,
  name             text NOT NULL,
  description      text NOT NULL DEFAULT '',
  feature_type     text NOT NULL CHECK (feature_type IN ('BOOLEAN', 'CUSTOMIZABLE', 'METER')),
  feature_details  json NOT NULL DEFAULT '{}',
  meter            json NOT NULL DEFAULT '{}',
  details          json NOT NULL DEFAULT '{}',
  metadata         json NOT NULL DEFAULT '{}',
  folded           text NOT NULL,
  created_at       timestamptz NOT NULL,
  modified_at      timestamptz NOT NULL,
  archived_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identifier)
);
CREATE UNIQUE INDEX features_listed ON features (tenant_id, seq) WHERE archived_at IS NULL;

-- A plan is a family of versions under one identifier.
CREATE TABLE plans (
  tenant_id    integer NOT NULL REFERENCES environments,
  id           uuid NOT NULL,
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  identifier   text NOT NULL,
  product_id   uuid NOT NULL,
  -- Where it may be bought; none means everywhere.
  countries    text[] NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL,
  archived_at  timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identifier),
  FOREIGN KEY (tenant_id, product_id) REFERENCES products
);
CREATE UNIQUE INDEX plans_listed ON plans (tenant_id, seq) WHERE archived_at IS NULL;
CREATE INDEX plans_by_product ON plans (tenant_id, product_id);

CREATE TABLE plan_versions (
  tenant_id     integer NOT NULL,
  id            uuid NOT NULL,
  plan_id       uuid NOT NULL,
  version       integer NOT NULL CHECK (version > 0),
  state         text NOT NULL CHECK (state IN ('draft', 'published', 'superseded')),
  name          text NOT NULL,
  description   text NOT NULL DEFAULT '',
  metadata      json NOT NULL DEFAULT '{}',
  details       json NOT NULL DEFAULT '{}',
  is_visible    boolean NOT NULL DEFAULT true,
  license       json NOT NULL,
  links         json NOT NULL DEFAULT '[]',
  ordering      integer,
  -- The plan whose entitlements this version takes over.
  base_plan_id  uuid,
  created_at    timestamptz NOT NULL,
  modified_at   timestamptz NOT NULL,
  published_at  timestamptz CHECK ((published_at IS NULL) = (state = 'draft')),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, plan_id, version),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES plans,
  FOREIGN KEY (tenant_id, base_plan_id) REFERENCES plans
);
-- Whatever happens at once: one version is for sale, and one at most is being edited.
CREATE UNIQUE INDEX plan_versions_for_sale ON plan_versions (tenant_id, plan_id) WHERE state = 'published';
CREATE UNIQUE INDEX plan_versions_edited ON plan_versions (tenant_id, plan_id) WHERE state = 'draft';
CREATE INDEX plan_versions_by_base ON plan_versions (tenant_id, base_plan_id) WHERE base_plan_id IS NOT NULL;

CREATE TABLE plan_prices (
  tenant_id     integer NOT NULL,
  id            uuid NOT NULL,
  version_id    uuid NOT NULL,
  -- The first one is the base price.
  ordering      smallint NOT NULL,
  price_type    text NOT NULL CHECK (price_type IN ('FREE', 'PAID', 'CUSTOM')),
  currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  free_trial    boolean NOT NULL,
  trial_days    integer NOT NULL CHECK (trial_days >= 0),
  enabled       boolean NOT NULL,
  tax_behavior  text NOT NULL CHECK (tax_behavior IN ('INCLUSIVE', 'EXCLUSIVE', 'UNSPECIFIED')),
  -- What is charged: for the plan itself and for each priced feature, by period.
  components    json NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, version_id, currency),
  FOREIGN KEY (tenant_id, version_id) REFERENCES plan_versions ON DELETE CASCADE
);

-- Of a draft: the version's own. Of a published version: all that are in force, the inherited ones too.
CREATE TABLE plan_entitlements (
  tenant_id            integer NOT NULL,
  version_id           uuid NOT NULL,
  feature_id           uuid NOT NULL,
  ordering             smallint NOT NULL,
  details              json NOT NULL,
  is_inherited         boolean NOT NULL DEFAULT false,
  is_value_overridden  boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, version_id, feature_id),
  FOREIGN KEY (tenant_id, version_id) REFERENCES plan_versions ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, feature_id) REFERENCES features
);
CREATE INDEX plan_entitlements_by_feature ON plan_entitlements (tenant_id, feature_id);

-- What publishing promised to the customers of earlier versions, from their next period on.
CREATE TABLE plan_migrations (
  tenant_id        integer NOT NULL,
  id               uuid NOT NULL,
  plan_id          uuid NOT NULL,
  to_version_id    uuid NOT NULL,
  update_features  boolean NOT NULL,
  update_pricing   boolean NOT NULL CHECK (update_features OR update_pricing),
  created_at       timestamptz NOT NULL,
  carried_out_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES plans,
  FOREIGN KEY (tenant_id, to_version_id) REFERENCES plan_versions
);
CREATE INDEX plan_migrations_by_plan ON plan_migrations (tenant_id, plan_id);
CREATE INDEX plan_migrations_by_version ON plan_migrations (tenant_id, to_version_id);
