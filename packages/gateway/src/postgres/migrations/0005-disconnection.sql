-- Sessions that are to end: see disconnections.ts. Gateways read what they have not seen, and nobody is kept out by it.
CREATE TABLE postern.disconnection (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text COLLATE pg_catalog."C" NOT NULL CHECK (kind IN ('session', 'sub', 'sid')),
  value text COLLATE pg_catalog."C" NOT NULL CHECK (value <> ''),
  -- For the log of the gateways, and for nobody else.
  reason text CHECK (length(reason) <= 200),
  -- Who came in later is not meant.
  asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- As in postern.revocation.
  changed xid8 NOT NULL
);

CREATE INDEX disconnection_changed ON postern.disconnection (changed);
CREATE INDEX disconnection_asked_at ON postern.disconnection (asked_at);

CREATE TRIGGER changed BEFORE INSERT ON postern.disconnection
  FOR EACH ROW EXECUTE FUNCTION postern.stamp_change();
CREATE TRIGGER asked AFTER INSERT ON postern.disconnection
  FOR EACH STATEMENT EXECUTE FUNCTION postern.tell_gateways('disconnect');

-- Ends sessions, and returns how many are shown in postern.sessions that are meant. With the rights of the owner, so that
-- a role that may call it needs none on the tables.
CREATE FUNCTION postern.disconnect(
  session uuid DEFAULT NULL,
  sub text DEFAULT NULL,
  sid text DEFAULT NULL,
  reason text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  meant bigint;
BEGIN
  IF num_nonnulls(disconnect.session, disconnect.sub, disconnect.sid) <> 1
    OR '' IN (disconnect.sub, disconnect.sid) THEN
    RAISE EXCEPTION 'postern.disconnect takes one of session, sub and sid, and none of them is empty'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT postern.disconnect(sub => ''ada'')';
  END IF;

  INSERT INTO postern.disconnection (kind, value, reason)
  SELECT kind, value, left(disconnect.reason, 200)
  FROM (VALUES
    ('session', disconnect.session::text), ('sub', disconnect.sub), ('sid', disconnect.sid)
  ) AS named (kind, value)
  WHERE value IS NOT NULL;

  DELETE FROM postern.disconnection WHERE asked_at <= clock_timestamp() - interval '1 hour';

  SELECT count(*) INTO meant FROM postern.sessions shown
  WHERE shown.session = disconnect.session OR shown.sub = disconnect.sub OR shown.sid = disconnect.sid;
  RETURN meant;
END $$;

REVOKE ALL ON TABLE postern.disconnection FROM PUBLIC;
REVOKE ALL ON FUNCTION postern.disconnect FROM PUBLIC;
