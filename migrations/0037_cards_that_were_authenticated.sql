-- With which card of the sandbox a payment was made: once its customer has approved, the card is charged without them.
ALTER TABLE sandbox_payments ADD COLUMN card_id text;
