-- Keys of messages that were published, so that a second try changes nothing: see publishing-statements.ts.
-- Logged: a crash that brought a message must not lose its key.
CREATE TABLE postern.publication_key (
  -- SHA-256 of who published, where, and the key as it was given.
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  used_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

CREATE INDEX publication_key_used_at ON postern.publication_key (used_at);

REVOKE ALL ON TABLE postern.publication_key FROM PUBLIC;
