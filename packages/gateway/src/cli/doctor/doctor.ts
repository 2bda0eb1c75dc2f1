import { environment } from '../../config/sources.ts';
import { Database } from '../../postgres/connect.ts';
import { diagnose } from '../../postgres/diagnosis.ts';
import { CommandError } from '../command-error.ts';
import { readCommandLine } from '../command-line.ts';
import { manuals } from '../manuals.ts';
import { certificateChecks } from './certificate.ts';
import { problem } from './check.ts';
import type { Check, Finding } from './check.ts';
import { configurationChecks, readConfiguration } from './configuration.ts';
import { databaseChecks, reach, reached } from './database.ts';
import type { Configured, Reached } from './ground.ts';
import { keyChecks } from './keys.ts';
import { machineChecks } from './machine.ts';
import { exitCodeOf, jsonReport, textReport } from './report.ts';
import { runChecks } from './run-checks.ts';
import type { Result } from './run-checks.ts';

/** What is looked at before the database, all of it on this machine. */
const localChecks = [...configurationChecks, ...keyChecks, ...certificateChecks, ...machineChecks];

/** Every check, in the order of the report, for `docs/commands.md`. */
export const doctorChecks: readonly Pick<Check<never>, 'name' | 'asks'>[] = [
  { name: 'configuration', asks: 'whether every option can be read' },
  ...localChecks,
  { name: 'database', asks: 'whether the database can be reached with this URL' },
  ...databaseChecks,
];

/** `postern doctor`. */
export async function doctor(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.doctor);
  if (line === undefined) return;
  if (line.words.length > 0)
    throw new CommandError(2, 'doctor takes flags only: postern doctor --help');

  const results = await examine({ flags: line.options, environment: environment() });
  console.log(line.has('json') ? jsonReport(results) : textReport(results));
  process.exit(exitCodeOf(results));
}

/** Asks everything that can be asked, in the order of the report. */
async function examine(
  given: Pick<Configured, 'flags' | 'environment'>,
): Promise<readonly Result[]> {
  const { finding, configured } = readConfiguration(given);
  const why = 'the configuration cannot be read';
  return [
    { check: 'configuration', ...finding },
    ...(await runChecks(localChecks, configured, why)),
    ...(await examineDatabase(configured, why)),
  ];
}

async function examineDatabase(
  configured: Configured | undefined,
  why: string,
): Promise<readonly Result[]> {
  if (configured === undefined)
    return await withoutDatabase({ status: 'skipped', found: why }, why);
  const { databaseUrl: url } = configured.options;
  if (url === undefined)
    return await withoutDatabase(
      problem('POSTERN_DATABASE_URL is not set', 'set it to the URL of your database'),
      'no database is named',
    );
  let database: Database | undefined;
  try {
    database = new Database({ url: url.reveal(), poolSize: 2, log: () => undefined });
    const facts = await reach(database);
    const ground: Reached = { configured, database, facts };
    return [
      { check: 'database', ...reached(configured) },
      ...(await runChecks(databaseChecks, ground, '')),
    ];
  } catch (error) {
    const { found, mend } = diagnose(error);
    return await withoutDatabase(problem(found, mend), 'the database cannot be asked');
  } finally {
    await database?.stop();
  }
}

async function withoutDatabase(finding: Finding, why: string): Promise<readonly Result[]> {
  return [{ check: 'database', ...finding }, ...(await runChecks(databaseChecks, undefined, why))];
}
