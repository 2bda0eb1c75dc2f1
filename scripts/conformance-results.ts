/**
 * A reporter for Node's test runner: what became of each scenario that ran against a given gateway, for
 * people. Those that need what was not given are left out, and no failures.
 */
import { LEFT_OUT } from '../tests/conformance/left-out.ts';

/** What this reads of the runner's events. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string;
    readonly details?: { readonly type?: string; readonly error?: unknown };
  };
}

type Outcome = 'passed' | 'failed' | 'left out';

const marks: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✗', 'left out': '–' };
const MODULE = /\/conformance\/([\w-]+\/[\w-]+)\.test\.[jt]s$/;

/** Lines of an error that say enough: the difference of two values may be long. */
const MOST_LINES = 14;

// oxlint-disable-next-line import/no-default-export -- the runner asks for one
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, 'left out': 0 };
  const path: string[] = [];
  let heading = '';
  for await (const { type, data } of events) {
    const { name = '', nesting = 0, file = '', details } = data;
    if (type === 'test:start') path.splice(nesting, Infinity, name);
    if (details?.type === 'suite' || (type !== 'test:pass' && type !== 'test:fail')) continue;

    const module = MODULE.exec(file)?.[1] ?? '';
    const suite = `${module}: ${suiteIn(path.slice(0, nesting))}`;
    if (suite !== heading) yield `\n${(heading = suite)}\n`;
    const why = type === 'test:pass' ? undefined : reasonIn(details?.error);
    const outcome = outcomeOf(why);
    counts[outcome] += 1;
    yield `  ${marks[outcome]} ${MODULE.test(name) ? 'broke off' : name}${told(outcome, why)}\n`;
  }
  if (counts.failed + counts.passed === 0) process.exitCode = 1;
  // The runner takes a scenario that was left out for a failure: what the exit code says is decided here.
  else process.exitCode = counts.failed > 0 ? 1 : 0;
  const sums = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  yield `\n${sums.join(', ')}\n`;
}

/** The suite, without the target. */
function suiteIn(path: readonly string[]): string {
  return (path.at(-1) ?? '').replace(/^[^›:]+: /, '');
}

function outcomeOf(why: string | undefined): Outcome {
  if (why === undefined) return 'passed';
  return why.startsWith(LEFT_OUT) ? 'left out' : 'failed';
}

function told(outcome: Outcome, why = ''): string {
  if (outcome === 'passed') return '';
  if (outcome === 'left out') return `\n      ${why.slice(LEFT_OUT.length)}`;
  return why
    .split('\n')
    .slice(0, MOST_LINES)
    .map((line) => `\n      ${line}`.trimEnd())
    .join('');
}

/** The runner wraps what a scenario threw. */
function reasonIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
