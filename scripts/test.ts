/**
 * Runs the tests: `npm test [-- [--coverage] PART…]`, where a part selects the files that have it in
 * their path. Ends with the exit code of Node's test runner.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { EVIDENCE_FOLDER } from '../tests/support/evidence-files.ts';
import { installPacked, sharing } from '../tests/support/packed.ts';
import { startSharedServer } from '../tests/support/postgres.ts';
import { findLeaks } from './leaked-secrets.ts';
import { select } from './needs.ts';
import { closingLines, passesOf } from './passes.ts';
import type { Pass } from './passes.ts';
import { findTests } from './test-files.ts';
import type { TestFile } from './test-files.ts';
import { processesOf } from './shared-processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const reports = join(root, 'build');
const conformance = join(root, 'build', 'conformance.txt');
const coverage = join(root, 'coverage');
const evidence = join(root, 'build', 'evidence');

/** A run with these tests has something to look through, or the search is broken. */
const TALKATIVE = 'tests/security/secrets.test.ts';

const runnerFlags = [
  '--enable-source-maps',
  '--disable-warning=ExperimentalWarning',
  `--import=${new URL('deadline.js', import.meta.url).href}`,
  '--test',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
];

const conformanceFlags = [
  `--test-reporter=${new URL('conformance-report.js', import.meta.url).href}`,
  `--test-reporter-destination=${conformance}`,
];

/** After an interruption; what is still running by then is killed. */
const STOP_MS = 10_000;
const INTERRUPTED = 130;

const NOT_PACKED = 'the packed tarballs: npm reaches no registry to install them from.';

const interruption = new AbortController();
// Every one, not the first: npm passes on what the terminal has sent to us as well.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interruption.abort());
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { coverage: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const found = findTests(root, positionals);
  if (found.length === 0) return fail(`No test file has ${positionals.join(' or ')} in its path.`);

  const { files, missing, environment } = select(found);
  if (missing.length > 0 && isCI())
    return fail(missing.map((what) => `Cannot run ${what}`).join('\n'));

  if (values.coverage) rmSync(coverage, { recursive: true, force: true });
  rmSync(conformance, { force: true });
  for (const { name } of passesOf(found)) rmSync(join(reports, name), { force: true });
  rmSync(evidence, { recursive: true, force: true });
  mkdirSync(evidence, { recursive: true });
  let code = await runWithPostgres(files, {
    ...process.env,
    ...environment,
    [EVIDENCE_FOLDER]: evidence,
    ...(values.coverage && { NODE_V8_COVERAGE: join(coverage, 'tmp') }),
  });
  if (values.coverage && code === 0) code = await reportCoverage();
  process.stdout.write(contentsOf(conformance));
  for (const what of missing) console.log(`Skipped ${what}`);
  const isTight = reportLeaks(files);
  const passes = passesOf(files);
  if (values.coverage || isCI() || passes.length > 1)
    console.log(closingLines(passes.map(({ name }) => contentsOf(join(reports, name)))));
  return isTight ? code : Math.max(code, 1);
}

/** Says whether the logs of the whole run are free of its secrets. */
function reportLeaks(files: readonly TestFile[]): boolean {
  const { lines, secrets, leaked } = findLeaks(evidence);
  console.log(`${secrets} secrets looked for in ${lines} lines of logs: ${leaked.length} leaked`);
  for (const line of leaked.slice(0, 20)) console.error(`Leaked: ${line.slice(0, 500)}`);
  const isBlind = files.some(({ source }) => source === TALKATIVE) && lines * secrets === 0;
  if (isBlind) console.error('Nothing was gathered to look through.');
  return leaked.length === 0 && !isBlind;
}

/** One server for all the files that need one: starting it takes longer than most of them. */
async function runWithPostgres(
  files: readonly TestFile[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  if (files.every(({ isUnit }) => isUnit)) return run(files, environment);

  const server = await startSharedServer();
  try {
    return await runWithPacked(files, { ...environment, ...server.environment });
  } finally {
    await server.stop();
  }
}

/** One installation likewise. */
async function runWithPacked(
  files: readonly TestFile[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  if (!files.some(({ needsPacked }) => needsPacked)) return run(files, environment);

  const packed = await installPacked();
  if (packed === undefined && isCI()) return fail(`Cannot run ${NOT_PACKED}`);
  try {
    return await run(files, { ...environment, ...sharing(packed) });
  } finally {
    await packed?.remove();
    if (packed === undefined) console.log(`Skipped ${NOT_PACKED}`);
  }
}

/** Each pass, whatever the one before came to. */
async function run(files: readonly TestFile[], environment: NodeJS.ProcessEnv): Promise<number> {
  let code = 0;
  // Without a file the runner would look for some itself.
  for (const pass of passesOf(files)) code = Math.max(code, await runPass(pass, environment));
  return code;
}

async function runPass(pass: Pass, environment: NodeJS.ProcessEnv): Promise<number> {
  if (interruption.signal.aborted) return INTERRUPTED;

  const runner = spawn(process.execPath, [...flagsFor(pass), ...processesOf(pass.files, root)], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group of its own, to end whatever the tests have started along with them.
    detached: true,
  });
  let deadline: NodeJS.Timeout | undefined;
  interruption.signal.addEventListener('abort', () => {
    signalGroup(runner.pid, 'SIGTERM');
    deadline = setTimeout(signalGroup, STOP_MS, runner.pid, 'SIGKILL');
  });

  await once(runner, 'exit');
  clearTimeout(deadline);
  signalGroup(runner.pid, 'SIGKILL');
  return interruption.signal.aborted ? INTERRUPTED : (runner.exitCode ?? 1);
}

function flagsFor({ files, concurrency, name }: Pass): readonly string[] {
  return [
    ...runnerFlags,
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    `--test-reporter-destination=${join(reports, name)}`,
    // A pass without them would empty the file.
    ...(files.some(({ needsPacked }) => needsPacked) ? conformanceFlags : []),
  ];
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: nobody of the group is left.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function reportCoverage(): Promise<number> {
  const c8 = fileURLToPath(import.meta.resolve('c8/bin/c8.js'));
  const reporter = spawn(process.execPath, [c8, 'report'], { cwd: root, stdio: 'inherit' });
  await once(reporter, 'exit');
  return reporter.exitCode ?? 1;
}

/** Empty when it was not written. */
function contentsOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function isCI(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '');
}

function fail(message: string): number {
  console.error(message);
  return 1;
}
