import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { findProgram } from '../support/programs.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const scope = failOnLeaks();

const BENCH = fileURLToPath(new URL('../../bench/bench.js', import.meta.url));
const PATIENCE_MS = 600_000;

/** Each part, and how many of its rows have a bar. Fan-out needs programs in C. */
const BARS = {
  'fan-out': findProgram('gcc') === undefined ? 0 : 6,
  latency: 4,
  publishing: 2,
  handshakes: 1,
  memory: 2,
  deadlines: 6,
  start: 1,
};

interface Row {
  readonly what: string;
  readonly ratio?: { readonly value: number };
  readonly figure: number;
  readonly bar?: { readonly on: string; readonly limit: string; readonly value: number };
}

interface Part {
  readonly name: string;
  readonly rows: readonly Row[];
}

async function runBench(args: readonly string[]) {
  const child = startChild(scope, process.execPath, [BENCH, ...args]);
  const { code } = await child.exited(PATIENCE_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** By hand, so that the table has somebody to disagree with. */
function verdict({ figure, ratio, bar }: Row): string {
  const measured = (bar?.on === 'ratio' ? ratio?.value : figure) ?? Number.NaN;
  const most = bar?.limit === 'most' ? measured : (bar?.value ?? Number.NaN);
  const least = bar?.limit === 'most' ? (bar.value ?? Number.NaN) : measured;
  return most <= least ? 'met' : 'MISSED';
}

/** Fails unless every element of it is closed, in order. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, closes, name = '', closed] of svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
    if (closes === '/') assert.equal(open.pop(), name);
    else if (closed !== '/') open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
}

describe('npm run bench', () => {
  it('measures every part, and says of each bar whether it is met', async (test) => {
    const folder = await scratchFolder(scope);
    const json = join(folder, 'report.json');
    const { code, stdout, stderr } = await runBench(['--quick', '--json', json, '--plots', folder]);
    test.diagnostic(stdout);
    assert.equal(code, 0, stderr);

    const { parts }: { readonly parts: readonly Part[] } = JSON.parse(await readFile(json, 'utf8'));
    const bars = parts.map(({ name, rows }) => [name, rows.filter(({ bar }) => bar).length]);
    assert.deepEqual(Object.fromEntries(bars), BARS);

    const summary = stdout.slice(stdout.indexOf('The bars'));
    for (const row of parts.flatMap(({ rows }) => rows)) {
      const { what, figure, ratio, bar } = row;
      assert.ok(figure > 0 && figure < 1e7, `${what}: ${figure}`);
      assert.ok(ratio === undefined || (ratio.value > 0 && ratio.value < 1_000), what);
      const line = (bar === undefined ? stdout : summary)
        .split('\n')
        .find((text) => text.startsWith(`${what}  `));
      assert.ok(line !== undefined, `${what} is not in the table`);
      if (bar !== undefined) assert.ok(line.endsWith(`  ${verdict(row)}`), line);
    }

    const plots = (await readdir(folder)).filter((name) => name.endsWith('.svg'));
    assert.ok(plots.includes('performance-bars.svg'));
    for (const name of plots) assertWellFormed(await readFile(join(folder, name), 'utf8'));
  });

  it('names its parts to who asks for one that there is not', async () => {
    const { code, stderr } = await runBench(['--part', 'start,coffee']);
    assert.equal(code, 1);
    assert.match(stderr, /--part: expected some of .*handshakes.*start/);
  });

  it('publishes no figures of a part, and none of a quick run', async () => {
    for (const args of [['--quick'], ['--part', 'start']]) {
      const { code, stderr } = await runBench(['--publish', ...args]);
      assert.equal(code, 1);
      assert.match(stderr, /--publish: only/);
    }
  });
});
