import { freshDatabase } from './postgres.ts';
import type { Scope, TestDatabase } from './postgres.ts';

/** A database that gateways can be cut off from, while the server and the other databases go on. */
export interface SeverableDatabase extends TestDatabase {
  /** Ends every connection that a gateway has to it; new ones are let in. */
  cut(): Promise<void>;
  /** From now on nobody new can connect, as when the server were away; and cuts. */
  sever(): Promise<void>;
  /** Lets everybody connect again. */
  restore(): Promise<void>;
}

/** Makes one. What it does to its own database it says from another one. */
export async function severableDatabase(scope: Scope): Promise<SeverableDatabase> {
  const database = await freshDatabase(scope);
  const { query } = await freshDatabase(scope);
  const allowConnections = async (isAllowed: boolean): Promise<void> => {
    await query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS ${isAllowed}`);
  };
  const cut = async (): Promise<void> => {
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = $1 AND application_name = 'postern'`;
    await query(sql, [database.name]);
  };
  return {
    ...database,
    cut,
    sever: () => allowConnections(false).then(cut),
    restore: () => allowConnections(true),
  };
}
