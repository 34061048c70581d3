-- Whether a payment of this session wrote the customer's record: then what is typed on its page is theirs to say, though
-- anybody may have opened it. Of sessions from before this nobody knows, and so it is not.
ALTER TABLE checkout_sessions ADD COLUMN has_made_customer boolean NOT NULL DEFAULT false;
-- Sessions of which no payment was ever begun, by when they were over: what is swept up.
CREATE INDEX checkout_sessions_unused ON checkout_sessions (tenant_id, expires_at) WHERE status = 'expired' AND turn = 0;
