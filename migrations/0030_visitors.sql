-- Ranges of addresses through which people come who are somewhere else. The instance's, not a tenant's.
CREATE TABLE network_ranges (
  kind   text NOT NULL CHECK (kind IN ('vpn', 'tor', 'proxy', 'relay', 'data_centre')),
  range  cidr NOT NULL,
  PRIMARY KEY (kind, range)
);
CREATE INDEX network_ranges_around ON network_ranges USING gist (range inet_ops);
