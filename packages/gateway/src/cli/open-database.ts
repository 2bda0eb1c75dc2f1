import type { Options } from '../config/options.ts';
import { Database } from '../postgres/connect.ts';
import type { DatabaseLog } from '../postgres/connect.ts';
import { CommandError } from './command-error.ts';

/** The configured database, to which a command needs few connections. Connects to nothing yet. */
export function openDatabase({ databaseUrl }: Options, log: DatabaseLog): Database {
  if (databaseUrl === undefined)
    throw new CommandError(2, 'POSTERN_DATABASE_URL is not set: name the database there');
  return new Database({ url: databaseUrl.reveal(), poolSize: 2, log });
}
