-- One row per limited key: the instant at which its allowance is whole again. Nothing of worth is
-- lost if it is, so it is not written ahead.
CREATE UNLOGGED TABLE rate_limits (
  key       text PRIMARY KEY,
  whole_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
