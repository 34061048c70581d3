-- What a subscription is charged to first, and whether the customer's default takes over where that fails.
ALTER TABLE subscriptions ADD method_id bigint, ADD has_fallback boolean NOT NULL DEFAULT true,
  ADD FOREIGN KEY (tenant_id, method_id) REFERENCES payment_methods (tenant_id, id);
CREATE INDEX subscriptions_by_method ON subscriptions (tenant_id, method_id) WHERE method_id IS NOT NULL;
