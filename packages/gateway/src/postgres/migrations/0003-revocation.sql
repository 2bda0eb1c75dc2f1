-- Tokens and logins that do not count any more, whatever they say themselves: see revocations.ts.
CREATE TABLE postern.revocation (
  kind text COLLATE pg_catalog."C" NOT NULL CHECK (kind IN ('sub', 'sid', 'jti')),
  value text COLLATE pg_catalog."C" NOT NULL CHECK (value <> ''),
  -- What was issued up to then is revoked.
  before timestamptz NOT NULL,
  -- Afterwards it is forgotten: what it was about should have expired by then.
  kept_until timestamptz NOT NULL,
  -- The transaction that wrote it last. Gateways read what they have not seen, in whatever order it was committed.
  changed xid8 NOT NULL,
  PRIMARY KEY (kind, value)
);

CREATE INDEX revocation_changed ON postern.revocation (changed);

CREATE FUNCTION postern.stamp_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.changed := pg_current_xact_id();
  RETURN NEW;
END $$;

-- Gateways are told to look, and no more: a notification, which anybody can send, revokes nothing.
CREATE FUNCTION postern.tell_gateways() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('postern.private', TG_ARGV[0]);
  RETURN NULL;
END $$;

CREATE TRIGGER changed BEFORE INSERT OR UPDATE ON postern.revocation
  FOR EACH ROW EXECUTE FUNCTION postern.stamp_change();
CREATE TRIGGER revoked AFTER INSERT OR UPDATE ON postern.revocation
  FOR EACH STATEMENT EXECUTE FUNCTION postern.tell_gateways('revoked');
CREATE TRIGGER restored AFTER DELETE ON postern.revocation
  FOR EACH ROW WHEN (OLD.kept_until > clock_timestamp())
  EXECUTE FUNCTION postern.tell_gateways('restored');
CREATE TRIGGER emptied AFTER TRUNCATE ON postern.revocation
  FOR EACH STATEMENT EXECUTE FUNCTION postern.tell_gateways('restored');

-- Revokes what was issued to a user, in a login, or as one token. With the rights of the owner, so that a
-- role that may call it needs none on the table.
CREATE FUNCTION postern.revoke(
  sub text DEFAULT NULL,
  sid text DEFAULT NULL,
  jti text DEFAULT NULL,
  before timestamptz DEFAULT clock_timestamp(),
  keep interval DEFAULT '30 days'
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  until timestamptz := clock_timestamp() + revoke.keep;
BEGIN
  IF num_nonnulls(revoke.sub, revoke.sid, revoke.jti) <> 1 OR '' IN (revoke.sub, revoke.sid, revoke.jti) THEN
    RAISE EXCEPTION 'postern.revoke takes one of sub, sid and jti, and none of them is empty'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT postern.revoke(sub => ''ada'')';
  END IF;
  IF revoke.before IS NULL OR until IS NULL OR until <= clock_timestamp() THEN
    RAISE EXCEPTION 'postern.revoke needs a time in before, and a keep that lies ahead'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave them out: everything issued so far, for 30 days';
  END IF;

  INSERT INTO postern.revocation AS known (kind, value, before, kept_until)
  SELECT kind, value, revoke.before, until
  FROM (VALUES ('sub', revoke.sub), ('sid', revoke.sid), ('jti', revoke.jti)) AS named (kind, value)
  WHERE value IS NOT NULL
  -- An earlier word is never taken back by a later one.
  ON CONFLICT (kind, value) DO UPDATE SET
    before = greatest(known.before, excluded.before),
    kept_until = greatest(known.kept_until, excluded.kept_until);

  DELETE FROM postern.revocation WHERE kept_until <= clock_timestamp();
END $$;

REVOKE ALL ON TABLE postern.revocation FROM PUBLIC;
REVOKE ALL ON FUNCTION postern.revoke, postern.stamp_change, postern.tell_gateways FROM PUBLIC;
