-- Messages that NOTIFY does not carry: see long-payloads.ts. Notified is a reference, on the private channel.
-- Unlogged: what a crash loses here was lost with the notifications all the same.
CREATE UNLOGGED TABLE postern.payload (
  id uuid PRIMARY KEY,
  -- Whose gateways it is for.
  database_channel text COLLATE pg_catalog."C" NOT NULL,
  text text NOT NULL,
  written_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- Its transaction: a row is not old before that is over, however long it took.
  writer xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id()
);

CREATE INDEX payload_written_at ON postern.payload (written_at);

REVOKE ALL ON TABLE postern.payload FROM PUBLIC;
