-- What a tenant says about itself on the documents it issues; without a row, what its organization is called.
CREATE TABLE sellers (
  tenant_id                    integer PRIMARY KEY REFERENCES environments,
  legal_name                   text,
  email                        text,
  billing_address              json,
  tax_id                       text,
  time_zone                    text NOT NULL,
  lowers_price_for_businesses  boolean NOT NULL
);
