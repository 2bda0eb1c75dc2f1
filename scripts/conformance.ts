/**
 * Runs the scenarios of the protocols against a gateway that somebody has started:
 * `npm run conformance -- --url URL …` (docs/conformance.md). Exit code 1: one failed; 2: it could not begin.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { GIVEN } from '../tests/conformance/given-target.ts';
import { placeIn } from '../tests/support/place.ts';
import { RawSocket } from '../tests/support/raw-socket.ts';
import { SECRET_VARIABLE } from '../tests/support/tokens.ts';
import { findTests } from './test-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'tests/conformance/';
const CANNOT_BEGIN = 2;

const USAGE = `Usage: npm run conformance -- --url URL [options] [raw | v1 | sse | GROUP/FILE …]

  --url URL               ws:// or wss://, with the base path if there is one
  --secret-file FILE      the secret of HS256 that the gateway verifies tokens by; or ${SECRET_VARIABLE}
  --database URL          its database, for scenarios that need SQL; the password in PGPASSWORD
  --database-channel NAME the database channel
  --proxied               a proxy speaks HTTP in the gateway's place
  --help

What the gateway must be like, and what is shown: docs/conformance.md`;

/** What was asked for cannot be done. For the person at the terminal, without a stack. */
class Refusal extends Error {}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = CANNOT_BEGIN;
}

async function main(): Promise<number> {
  const { values, positionals } = parseCommandLine();
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const url = parseUrl(values.url);
  const files = filesFor(positionals);
  const environment = {
    [GIVEN.url]: url.href,
    [SECRET_VARIABLE]: readSecret(values['secret-file']),
    [GIVEN.isProxied]: String(values.proxied ?? false),
    ...databaseIn(values),
  };
  await reach(url);
  return await run(files, environment);
}

function parseCommandLine() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string' },
        'secret-file': { type: 'string' },
        database: { type: 'string' },
        'database-channel': { type: 'string' },
        proxied: { type: 'boolean' },
        help: { type: 'boolean' },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : ''}\n\n${USAGE}`);
  }
}

function parseUrl(text: string | undefined): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol))
    throw new Refusal(`--url must be a URL of ws:// or wss://.\n\n${USAGE}`);
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Refusal('--url is a place alone: tokens are made from the secret.');
  return url;
}

function filesFor(groups: readonly string[]): readonly string[] {
  const scenarios = findTests(root, [FOLDER])
    .map(({ source, built }) => ({ module: source.slice(FOLDER.length), built }))
    .filter(({ module }) => module.includes('/') && !module.startsWith('variables/'));
  const wanted = scenarios.filter(
    ({ module }) =>
      groups.length === 0 ||
      groups.some((group) => `${module}/`.replace('.test.ts', '').startsWith(`${group}/`)),
  );
  if (wanted.length > 0) return wanted.map(({ built }) => built);
  const known = scenarios.map(({ module }) => module.replace('.test.ts', ''));
  throw new Refusal(`There are no scenarios of that name. There are: ${known.join(', ')}`);
}

/** From a file or the environment: what stands on a command line, everybody on the computer can read. */
function readSecret(path: string | undefined): string {
  const secret = path === undefined ? process.env[SECRET_VARIABLE] : contentsOf(path);
  if (secret === undefined || secret === '')
    throw new Refusal(`The secret is missing: --secret-file FILE, or ${SECRET_VARIABLE}.`);
  return secret;
}

/** Without the newline that editors put at the end. */
function contentsOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    throw new Refusal(`Cannot read --secret-file: ${error instanceof Error ? error.message : ''}`);
  }
}

function databaseIn(values: {
  readonly database?: string | undefined;
  readonly 'database-channel'?: string | undefined;
}): Readonly<Record<string, string>> {
  const { database, 'database-channel': channel } = values;
  if (database === undefined && channel === undefined) return {};
  if (database === undefined || channel === undefined)
    throw new Refusal('--database and --database-channel belong together.');
  if (!URL.canParse(database)) throw new Refusal('--database must be a URL of postgres://.');
  const url = new URL(database);
  if (url.password !== '')
    throw new Refusal('No password in --database, where everybody can read it: set PGPASSWORD.');
  return { [GIVEN.databaseUrl]: url.href, [GIVEN.channel]: channel };
}

/** Fails at once where nobody is, rather than once for every scenario. */
async function reach(url: URL): Promise<void> {
  try {
    (await RawSocket.connect(placeIn(url))).destroy();
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    throw new Refusal(`Cannot reach ${url.origin}: ${why}`);
  }
}

/** A file after the other: scenarios of raw clients share channels. */
async function run(
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const beside = (name: string): string => new URL(name, import.meta.url).href;
  const runner = spawn(
    process.execPath,
    [
      '--enable-source-maps',
      '--disable-warning=ExperimentalWarning',
      `--import=${beside('deadline.js')}`,
      '--test',
      '--test-concurrency=1',
      `--test-reporter=${beside('conformance-results.js')}`,
      '--test-reporter-destination=stdout',
      ...files.map((file) => join(root, file)),
    ],
    { cwd: root, env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const [code] = await once(runner, 'exit');
  return Number(code ?? 1);
}
