-- Whether the customer is there while a payment is made, and can be asked to authenticate it.
ALTER TABLE payment_attempts ADD COLUMN is_on_session boolean NOT NULL DEFAULT false;
