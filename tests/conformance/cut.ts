/**
 * Ends the connection by which a gateway listens to a database channel, which is the parameter. PostgreSQL
 * knows the last statement of each connection alone: it is LISTEN, or what the gateway proves itself by
 * when all of its other connections are slow.
 */
export const CUT = `WITH others AS (
    SELECT pid, query, query LIKE 'LISTEN%' AND strpos(query, $1) > 0 AS listens
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
  SELECT pg_terminate_backend(pid) FROM others
  WHERE CASE WHEN EXISTS (SELECT FROM others WHERE listens) THEN listens
    ELSE query IN ('SELECT pg_notify($1, $2)', 'SELECT 1') END`;
