-- That a payment at the sandbox's gateway waits for its customer to authenticate it.
ALTER TABLE sandbox_payments ADD COLUMN needs_action boolean NOT NULL DEFAULT false;
