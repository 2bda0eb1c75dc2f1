-- Which files of this folder have run here.
CREATE TABLE postern.migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

REVOKE ALL ON TABLE postern.migration FROM PUBLIC;
