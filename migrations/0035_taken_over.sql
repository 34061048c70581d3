-- What orders took over from a subscription that is the customer's whether they are paid or not: credits that outweigh.
-- And when a record took its predecessor's place: not when that was asked for, where it was paid first.
ALTER TABLE subscriptions ADD taken json NOT NULL DEFAULT '[]', ADD effective_at timestamptz;
