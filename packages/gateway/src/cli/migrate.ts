import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Database } from '../postgres/connect.ts';
import { diagnose, reasonOf } from '../postgres/diagnosis.ts';
import { migrate as migrateBy } from '../postgres/migrate.ts';
import type { MigrateOutcome } from '../postgres/migrate.ts';
import { readMigrations } from '../postgres/migrations.ts';
import { grantsFor, grantTo } from '../postgres/rights.ts';
import { inspectSchema, schemaTrouble } from '../postgres/schema-state.ts';
import type { SchemaState } from '../postgres/schema-state.ts';
import { CommandError } from './command-error.ts';
import { configuration, readCommandLine } from './command-line.ts';
import { manuals } from './manuals.ts';
import { openDatabase } from './open-database.ts';

const DEADLINE_MS = 65_000;
const POLL_MS = 200;

/** `postern migrate`. */
export async function migrate(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.migrate);
  if (line === undefined) return;
  if (line.words.length > 0)
    throw new CommandError(2, 'nothing but flags is expected: postern migrate [--dry-run]');

  const { options } = configuration(line);
  const roles = line.all('grant');
  const database = openDatabase(options, () => undefined);
  try {
    if (line.has('dry-run')) await rehearse(database, roles);
    else await perform(database, roles);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    if (cause instanceof GatewayError) throw new CommandError(1, cause.message, { cause });
    const { found, mend } = diagnose(cause);
    throw new CommandError(1, `nothing was changed: ${found}; ${mend}`, { cause });
  } finally {
    await database.stop();
  }
}

async function rehearse(database: Database, roles: readonly string[]): Promise<void> {
  const migrations = readMigrations();
  const schema = await database.lend(DEADLINE_MS, (client) => inspectSchema(client, migrations));
  if (schema.state !== 'pending') console.log(`-- ${said(schema)}`);
  else for (const { name, sql } of schema.pending) console.log(`-- ${name}\n${sql}`);
  for (const role of roles) console.log(`${(await grantsFor(role)).join(';\n')};`);
}

async function perform(database: Database, roles: readonly string[]): Promise<void> {
  const done = await untilNobodyElse(database);
  if (done.outcome === 'left') console.log(said(done.schema));
  if (done.outcome === 'migrated')
    for (const { name } of done.migrations) console.log(`ran ${name}`);
  for (const role of roles) {
    await give(database, role);
    console.log(`granted to ${role}`);
  }
}

async function give(database: Database, role: string): Promise<void> {
  try {
    await database.lend(DEADLINE_MS, (client) => grantTo(client, role));
  } catch (cause) {
    throw new CommandError(
      1,
      `the rights were not given to ${role} (${reasonOf(cause)}); create that role first, and log in as the schema’s owner`,
      { cause },
    );
  }
}

/** Another one that migrates is done soon: then there is nothing left to do, or it was rolled back. */
async function untilNobodyElse(database: Database): Promise<MigrateOutcome> {
  const endMs = performance.now() + DEADLINE_MS;
  while (performance.now() < endMs) {
    const migrations = readMigrations();
    const done = await database.lend(DEADLINE_MS, (client) => migrateBy(client, migrations));
    if (done.outcome !== 'busy') return done;
    await wait(POLL_MS);
  }
  throw new CommandError(1, 'nothing was changed: somebody else has been migrating all the time');
}

/** Throws what keeps this role from migrating. */
function said(schema: Exclude<SchemaState, { state: 'pending' }>): string {
  const trouble = schemaTrouble(schema);
  if (trouble !== undefined)
    throw new CommandError(1, `nothing was changed: ${trouble.found}; ${trouble.mend}`);
  return schema.state === 'newer'
    ? 'a later version of postern migrated this database: it is left alone'
    : 'nothing is pending';
}
