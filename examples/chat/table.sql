CREATE TABLE IF NOT EXISTS said (
  id uuid PRIMARY KEY,
  room text NOT NULL,
  author text NOT NULL,
  text text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS said_in_room ON said (room, at);
