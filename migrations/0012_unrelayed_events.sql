-- Which events are still to be passed on, in order.
CREATE INDEX outbox_unrelayed ON outbox (seq) WHERE relayed_at IS NULL;
