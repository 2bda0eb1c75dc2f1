-- Tokens that were used once and must not be used again: see replay-store.ts.
-- Unlogged, as a crash may lose them: the marker is lost with them, and tells.
CREATE TABLE postern.spent_token (
  slot smallint NOT NULL,
  jti text COLLATE pg_catalog."C" NOT NULL,
  -- Of the marker only, in UNIX seconds: tokens that were issued before it are refused.
  valid_from bigint,
  PRIMARY KEY (slot, jti),
  CHECK ((slot = -1) = (valid_from IS NOT NULL))
) PARTITION BY LIST (slot);

CREATE UNLOGGED TABLE postern.spent_token_marker PARTITION OF postern.spent_token FOR VALUES IN (-1);
CREATE UNLOGGED TABLE postern.spent_token_0 PARTITION OF postern.spent_token FOR VALUES IN (0);
CREATE UNLOGGED TABLE postern.spent_token_1 PARTITION OF postern.spent_token FOR VALUES IN (1);
CREATE UNLOGGED TABLE postern.spent_token_2 PARTITION OF postern.spent_token FOR VALUES IN (2);
CREATE UNLOGGED TABLE postern.spent_token_3 PARTITION OF postern.spent_token FOR VALUES IN (3);
CREATE UNLOGGED TABLE postern.spent_token_4 PARTITION OF postern.spent_token FOR VALUES IN (4);
CREATE UNLOGGED TABLE postern.spent_token_5 PARTITION OF postern.spent_token FOR VALUES IN (5);
CREATE UNLOGGED TABLE postern.spent_token_6 PARTITION OF postern.spent_token FOR VALUES IN (6);
CREATE UNLOGGED TABLE postern.spent_token_7 PARTITION OF postern.spent_token FOR VALUES IN (7);

REVOKE ALL ON TABLE postern.spent_token, postern.spent_token_marker,
  postern.spent_token_0, postern.spent_token_1, postern.spent_token_2, postern.spent_token_3,
  postern.spent_token_4, postern.spent_token_5, postern.spent_token_6, postern.spent_token_7
  FROM PUBLIC;

-- Nothing has been used so far.
INSERT INTO postern.spent_token (slot, jti, valid_from)
VALUES (-1, '', floor(extract(epoch FROM clock_timestamp()))::bigint);
