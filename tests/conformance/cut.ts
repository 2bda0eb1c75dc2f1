/** Ends the connection by which a gateway listens to a database channel, which is the parameter. */
export const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND query LIKE 'LISTEN%' AND strpos(query, $1) > 0`;
