-- A version that a customer may have bought never changes, whoever tries. Only which version is for sale
-- does, and whether a price is offered.

CREATE FUNCTION refuse_change_of_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a published version of a plan never changes';
END $$;

CREATE TRIGGER published_version_changed BEFORE UPDATE OF
  tenant_id, id, plan_id, version, name, description, metadata, is_visible, license, links, ordering,
  base_plan_id, created_at, published_at
  ON plan_versions FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION refuse_change_of_published_version();
CREATE TRIGGER published_version_deleted BEFORE DELETE
  ON plan_versions FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION refuse_change_of_published_version();
CREATE TRIGGER published_version_reopened BEFORE UPDATE OF state
  ON plan_versions FOR EACH ROW WHEN (OLD.state <> 'draft' AND NEW.state IS DISTINCT FROM 'superseded')
  EXECUTE FUNCTION refuse_change_of_published_version();

-- For what stands below a version. Where the version is gone, it is deleting what stood below it.
CREATE FUNCTION refuse_change_below_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- What stood below a version, and what would: neither is taken away, nor changed, nor put there.
  IF EXISTS (
    SELECT FROM plan_versions WHERE state <> 'draft' AND (
      (TG_OP <> 'INSERT' AND tenant_id = OLD.tenant_id AND id = OLD.version_id)
      OR (TG_OP <> 'DELETE' AND tenant_id = NEW.tenant_id AND id = NEW.version_id)
    )
  ) THEN
    RAISE EXCEPTION 'a published version of a plan never changes';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER published_prices_changed BEFORE INSERT OR DELETE OR UPDATE OF
  tenant_id, id, version_id, ordering, price_type, currency, free_trial, trial_days, tax_behavior, components
  ON plan_prices FOR EACH ROW EXECUTE FUNCTION refuse_change_below_published_version();
CREATE TRIGGER published_entitlements_changed BEFORE INSERT OR UPDATE OR DELETE
  ON plan_entitlements FOR EACH ROW EXECUTE FUNCTION refuse_change_below_published_version();
