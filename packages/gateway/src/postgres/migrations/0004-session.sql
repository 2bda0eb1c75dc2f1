-- Who is connected where: see presence.ts. Unlogged: what a crash loses, gateways write anew.
CREATE UNLOGGED TABLE postern.gateway (
  gateway uuid PRIMARY KEY,
  host text NOT NULL,
  renewed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- So long a renewal counts. A gateway asks for it when it begins, and renews three times in it.
  lease interval NOT NULL DEFAULT '30 seconds' CHECK (lease BETWEEN '100 milliseconds' AND '1 hour')
);

-- It goes with its gateway, whoever clears that away.
CREATE UNLOGGED TABLE postern.present_session (
  session uuid PRIMARY KEY,
  gateway uuid NOT NULL REFERENCES postern.gateway ON DELETE CASCADE,
  sub text COLLATE pg_catalog."C",
  sid text COLLATE pg_catalog."C",
  protocol text NOT NULL,
  address text,
  connected_at timestamptz NOT NULL,
  expires_at timestamptz
);

CREATE INDEX present_session_gateway ON postern.present_session (gateway);
-- Tokens name users of any length, and other indexes do not take them.
CREATE INDEX present_session_sub ON postern.present_session USING hash (sub);

CREATE VIEW postern.sessions AS
SELECT gateway.gateway, gateway.host, present.session, present.sub, present.sid, present.protocol,
  present.address, present.connected_at, present.expires_at
FROM postern.present_session present
JOIN postern.gateway ON gateway.gateway = present.gateway
-- What was killed says nothing any more.
WHERE gateway.renewed_at + gateway.lease > statement_timestamp();

REVOKE ALL ON TABLE postern.gateway, postern.present_session, postern.sessions FROM PUBLIC;
