CREATE TABLE IF NOT EXISTS todo (
  id uuid PRIMARY KEY,
  text text NOT NULL,
  done boolean NOT NULL DEFAULT false,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
