-- The period that a licence was last reckoned from: another one makes it hold for longer, the same one does not.
ALTER TABLE licenses ADD COLUMN began_at timestamptz;
UPDATE licenses SET began_at = created_at;
ALTER TABLE licenses ALTER COLUMN began_at SET NOT NULL,
  ADD FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions,
  ADD FOREIGN KEY (tenant_id, version_id) REFERENCES plan_versions;

-- From when on a key signs: applications that come with it have to be there first. The newest that does already signs.
ALTER TABLE license_signing_keys ADD COLUMN signs_at timestamptz, ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY;
UPDATE license_signing_keys SET signs_at = created_at;
ALTER TABLE license_signing_keys ALTER COLUMN signs_at SET NOT NULL;
