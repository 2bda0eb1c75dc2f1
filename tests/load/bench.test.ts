import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const scope = failOnLeaks();

const BENCH = fileURLToPath(new URL('../../bench/bench.js', import.meta.url));
const PATIENCE_MS = 600_000;

/** Each part, and how many of its rows have a bar. */
const BARS = { handshakes: 1, memory: 2, deadlines: 6, start: 1 } as const;

interface Row {
  readonly what: string;
  readonly ratio?: { readonly value: number };
  readonly figure: number;
  readonly bar?: object;
}

async function runBench(args: readonly string[]) {
  const json = join(await scratchFolder(scope), 'report.json');
  const child = startChild(scope, process.execPath, [BENCH, '--quick', '--json', json, ...args]);
  const { code } = await child.exited(PATIENCE_MS);
  return { code, stdout: child.stdout, stderr: child.stderr, json };
}

describe('npm run bench', () => {
  it('measures every part, and says of each bar whether it is met', async (test) => {
    const { code, stdout, stderr, json } = await runBench([]);
    test.diagnostic(stdout);
    assert.equal(code, 0, stderr);

    const { parts }: { parts: { name: string; rows: Row[] }[] } = JSON.parse(
      await readFile(json, 'utf8'),
    );
    const bars = parts.map(({ name, rows }) => [name, rows.filter(({ bar }) => bar).length]);
    assert.deepEqual(Object.fromEntries(bars), BARS);
    for (const { what, figure, ratio } of parts.flatMap(({ rows }) => rows)) {
      assert.ok(figure > 0 && figure < 1e6, `${what}: ${figure}`);
      assert.ok(ratio === undefined || (ratio.value > 0 && ratio.value < 1_000), what);
      assert.ok(stdout.includes(what), `${what} is not in the table`);
    }
    const verdicts = stdout.slice(stdout.indexOf('The bars')).match(/ (met|MISSED)$/gm) ?? [];
    assert.equal(
      verdicts.length,
      Object.values(BARS).reduce((sum, count) => sum + count, 0),
    );
  });

  it('names its parts to who asks for one that there is not', async () => {
    const { code, stderr } = await runBench(['--part', 'start,coffee']);
    assert.equal(code, 1);
    assert.match(stderr, /--part: expected some of .*handshakes, memory, deadlines, start/);
  });
});
