-- A clock that runs may be ahead of the machine's, or behind; while it is advanced, it stands at one due instant after the other.
ALTER TABLE clocks
  ADD COLUMN ahead          interval NOT NULL DEFAULT '0',
  -- The latest advance; where it leads and the rest as long as it is under way.
  ADD COLUMN advance_id     uuid,
  ADD COLUMN target         timestamptz,
  -- Machine time: until then somebody carries the advance on.
  ADD COLUMN leased_until   timestamptz,
  ADD COLUMN carried_out    bigint NOT NULL DEFAULT 0,
  -- How often in a row nothing came of it.
  ADD COLUMN fruitless      integer NOT NULL DEFAULT 0,
  ADD COLUMN failure        text,
  ADD CHECK (target IS NULL OR (frozen_at IS NOT NULL AND frozen_at <= target)),
  ADD CHECK ((target IS NULL) = (leased_until IS NULL));

CREATE INDEX clocks_advancing ON clocks (leased_until) WHERE leased_until IS NOT NULL;
