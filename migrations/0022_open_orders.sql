-- Orders that stay open when they are not paid at once: what a subscription owes is asked for again.

ALTER TABLE orders
  -- Whether a payment that fails is the end of it.
  ADD COLUMN collection text NOT NULL DEFAULT 'once' CHECK (collection IN ('once', 'until_authenticated', 'until_paid')),
  -- Of a subscription: what all its records have in common, and which of its periods is paid.
  ADD COLUMN lineage_id uuid,
  ADD COLUMN period_start timestamptz;
-- No period is billed twice, whatever happens at once.
CREATE UNIQUE INDEX orders_period_once ON orders (tenant_id, lineage_id, period_start) WHERE period_start IS NOT NULL;
CREATE INDEX orders_open ON orders (tenant_id, lineage_id, created_at) WHERE status = 'PENDING' AND lineage_id IS NOT NULL;

-- An invoice that only adds to the customer's credit is entered, too.
ALTER TABLE journal_entries ADD COLUMN invoice_id text;
CREATE UNIQUE INDEX journal_entries_of_invoice ON journal_entries (tenant_id, invoice_id) WHERE invoice_id IS NOT NULL;
