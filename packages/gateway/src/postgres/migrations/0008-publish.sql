-- Publishes from SQL, in the transaction of the caller: true, or false where the key was used before. With the rights of
-- the owner, so that a role that may call it needs none on the tables. Whoever may call it can publish to every channel.
-- What is written is what a gateway writes: see envelope.ts, payload-reference.ts and publication-key.ts.
CREATE FUNCTION postern.publish(channel text, payload jsonb, key text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  database_channel text := coalesce(
    nullif(current_setting('postern.database_channel', true), ''), 'postgres-websockets-listener');
  micros bigint;
  content text;
  envelope text;
  row_id uuid;
BEGIN
  IF publish.channel IS NULL OR publish.channel COLLATE "C" = '' THEN
    RAISE EXCEPTION 'postern.publish needs a channel'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT postern.publish(''chat'', ''{"text": "hello"}'')';
  END IF;
  IF octet_length(convert_to(publish.channel, 'UTF8')) > 200
    OR publish.channel COLLATE "C" ~ '[*{}\u0001-\u001f\u007f-\u009f]' THEN
    RAISE EXCEPTION 'postern.publish takes no such channel'
      USING ERRCODE = 'invalid_parameter_value',
        HINT = 'A channel is named by 1 to 200 bytes, without *, {, } and control characters';
  END IF;
  IF publish.payload IS NULL THEN
    RAISE EXCEPTION 'postern.publish needs a payload'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'The null of JSON is one: ''null''::jsonb';
  END IF;
  IF length(publish.key) NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'postern.publish takes keys of 1 to 200 characters'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'A longer one can be hashed, by md5 or sha256';
  END IF;
  IF octet_length(database_channel) > 63 OR database_channel COLLATE "C" = 'postern.private' THEN
    RAISE EXCEPTION 'postern.database_channel cannot be notified'
      USING ERRCODE = 'invalid_parameter_value',
        HINT = 'ALTER DATABASE name SET postern.database_channel TO the POSTERN_DATABASE_CHANNEL of the gateways';
  END IF;

  IF publish.key IS NOT NULL THEN
    -- Nobody of postern.v1 has such a key: a gateway never waits for the end of this transaction.
    INSERT INTO postern.publication_key (key)
    VALUES (sha256(convert_to(
      json_build_array('sql', session_user, publish.channel, publish.key)::text, 'UTF8')))
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END IF;

  -- PostgreSQL folds equal notifications of one transaction: the time tells them apart, and so it grows with each,
  -- whatever the clock does.
  micros := greatest(
    round(extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    coalesce(nullif(current_setting('postern.last_delivered', true), '')::bigint, 0) + 1);
  PERFORM set_config('postern.last_delivered', micros::text, true);

  content := CASE jsonb_typeof(publish.payload)
    WHEN 'string' THEN to_json(publish.payload #>> '{}')::text
    ELSE to_json(publish.payload::text)::text || ',"payload_type":"json"'
  END;
  envelope := '{"channel":' || to_json(publish.channel)::text
    || ',"claims":{"message_delivered_at":' || micros / 1000000 || '.' || lpad((micros % 1000000)::text, 6, '0')
    || '},"event":"WebsocketMessage","payload":' || content || '}';

  IF octet_length(envelope) <= 7999 THEN
    PERFORM pg_notify(database_channel, envelope);
    RETURN true;
  END IF;
  IF octet_length(envelope) > 1048576 THEN
    RAISE EXCEPTION 'postern.publish takes no message of more than 1 MiB'
      USING ERRCODE = 'program_limit_exceeded',
        DETAIL = format('In its envelope this one has %s bytes.', octet_length(envelope)),
        HINT = 'Publish where it is to be found instead';
  END IF;
  row_id := gen_random_uuid();
  INSERT INTO postern.payload (id, database_channel, text) VALUES (row_id, database_channel, envelope);
  PERFORM pg_notify('postern.private',
    '{"id":"' || row_id || '","channel":' || to_json(publish.channel)::text
    || ',"databaseChannel":' || to_json(database_channel)::text || '}');
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION postern.publish FROM PUBLIC;
