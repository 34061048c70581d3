-- Files of the catalog. Each is a file of the media module, under the same id.

CREATE TABLE product_files (
  tenant_id   integer NOT NULL,
  id          uuid NOT NULL,
  product_id  uuid NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('image', 'file')),
  -- The name people see, and the file's own.
  name        text NOT NULL,
  file_name   text NOT NULL,
  ordering    integer NOT NULL,
  thumbnail   boolean NOT NULL DEFAULT false CHECK (kind = 'image' OR NOT thumbnail),
  enabled     boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, id) REFERENCES media_files,
  FOREIGN KEY (tenant_id, product_id) REFERENCES products
);
CREATE INDEX product_files_by_product ON product_files (tenant_id, product_id);

-- A file keeps its id from version to version, so that a link to it goes on working.
CREATE TABLE plan_files (
  tenant_id   integer NOT NULL,
  version_id  uuid NOT NULL,
  id          uuid NOT NULL,
  name        text NOT NULL,
  file_name   text NOT NULL,
  ordering    integer NOT NULL,
  enabled     boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, version_id, id),
  FOREIGN KEY (tenant_id, version_id) REFERENCES plan_versions ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, id) REFERENCES media_files
);
CREATE INDEX plan_files_by_id ON plan_files (id, tenant_id);

CREATE TRIGGER published_files_changed BEFORE INSERT OR UPDATE OR DELETE
  ON plan_files FOR EACH ROW EXECUTE FUNCTION refuse_change_below_published_version();
