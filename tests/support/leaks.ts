import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { after, afterEach, before, beforeEach } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import type { Scope } from './postgres.ts';

/** What is closed takes a moment to be gone. */
const PATIENCE_MS = 4_000;
const POLL_MS = 10;

/** Counted apart from other sockets. */
const TO_POSTGRES = 'connections to PostgreSQL';

/** What a test may leave behind: everything else in the list of Node is its own business. */
const KINDS: ReadonlySet<string> = new Set([
  'PipeWrap',
  'ProcessWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'TLSWrap',
  'Timeout',
]);

/** Counts something that Node does not know of, such as `sessions`. */
export type Gauges = Readonly<Record<string, () => number>>;

const allGauges: Record<string, () => number> = {};
let scopeOfAll: Scope | undefined;

/**
 * Makes every test of the file fail that leaves more sockets, servers, processes and timers behind
 * than it found, or more of what the gauges count. Unreferenced timers and handles are not seen:
 * they end with the process. Returns the scope of whichever test runs, to be used instead of the
 * test's own `after`, which comes later than the check. Call it once, at the top of the file; files that
 * share a process have one watch, whose hooks see the tests of all, and no test begins before all of them
 * have started what they need: it would be taken for what the test leaves.
 */
export function failOnLeaks(gauges: Gauges = {}): Scope {
  Object.assign(allGauges, gauges);
  if (scopeOfAll === undefined) {
    const { scope, begin, end } = watch(allGauges);
    beforeEach(async () => {
      await wholeProgram();
      begin();
    });
    afterEach(end);
    scopeOfAll = scope;
  }
  return scopeOfAll;
}

/**
 * The same for a file whose tests run at the same time: nothing tells what is whose, so all of them
 * together must leave nothing behind. Each has a scope of its own by {@link ownScope}.
 */
export function failOnLeaksTogether(): void {
  const { begin, end } = watch({});
  before(begin);
  after(end);
}

/** A scope that ends with one test, what came last first; the test's own `after` ends what came first first. */
export function ownScope(test: Scope): Scope {
  const cleanUps: (() => Promise<void>)[] = [];
  test.after(() => runLastFirst(cleanUps.splice(0)));
  return { after: (cleanUp) => void cleanUps.push(cleanUp) };
}

let whole: Promise<unknown> | undefined;

/** Resolves when the program was evaluated that this process was started for, with all that it imports. */
async function wholeProgram(): Promise<void> {
  const [, path] = process.argv;
  if (path !== undefined) await (whole ??= import(pathToFileURL(path).href));
}

function watch(gauges: Gauges) {
  const cleanUps: (() => Promise<void>)[] = [];
  let found: Counts = new Map();
  return {
    scope: { after: (cleanUp: () => Promise<void>): void => void cleanUps.push(cleanUp) },
    begin: (): void => {
      found = count(gauges);
    },
    end: async (): Promise<void> => {
      await runLastFirst(cleanUps.splice(0));
      await noneLeft(gauges, found);
    },
  };
}

/** Runs all of them, whatever one throws. */
async function runLastFirst(cleanUps: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const cleanUp of cleanUps.toReversed()) {
    await cleanUp().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, 'Cleaning up after the test failed');
}

async function noneLeft(gauges: Gauges, before: Counts): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (excess(gauges, before).length > 0 && performance.now() < endMs) await delay(POLL_MS);
  assert.deepEqual(excess(gauges, before), [], 'The test left something behind');
}

type Counts = ReadonlyMap<string, number>;

function excess(gauges: Gauges, before: Counts): readonly string[] {
  // The pool of a gateway that several tests share grows when it has to, and never shrinks.
  const isPoolThere = (before.get(TO_POSTGRES) ?? 0) > 0;
  return [...count(gauges)]
    .filter(([kind]) => kind !== TO_POSTGRES || !isPoolThere)
    .filter(([kind, now]) => now > (before.get(kind) ?? 0))
    .map(([kind, now]) => `${kind}: ${before.get(kind) ?? 0} before, ${now} after`);
}

function count(gauges: Gauges): Counts {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (KINDS.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const toPostgres = socketsTo(postgresPort());
  counts.set('TCPSocketWrap', (counts.get('TCPSocketWrap') ?? 0) - toPostgres);
  counts.set(TO_POSTGRES, toPostgres);
  for (const [name, read] of Object.entries(gauges)) counts.set(name, read());
  return counts;
}

/** Of the server that all tests share; undefined where there is none. */
function postgresPort(): number | undefined {
  const url = process.env['POSTERN_TEST_DATABASE_URL'];
  return url === undefined ? undefined : Number(new URL(url).port);
}

/** Node tells what its handles are in no other way. */
function socketsTo(port: number | undefined): number {
  if (port === undefined) return 0;
  const handles: readonly unknown[] = Reflect.get(process, '_getActiveHandles').call(process);
  return handles.filter((handle) => handle instanceof Socket && handle.remotePort === port).length;
}
