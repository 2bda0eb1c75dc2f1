import assert from 'node:assert/strict';

import type { Answer } from './exchange.ts';
import { request } from './exchange.ts';

/** What `/metrics` said: series as they are written, `name{label="value"}`, and their values. */
export type Scrape = ReadonlyMap<string, number>;

/** Asks an admin port of 127.0.0.1 for its metrics, and reads them as strictly as the format allows. */
export async function scrape(port: number, lines: readonly string[] = []): Promise<Scrape> {
  const answer: Answer = await request(port, { target: '/metrics', lines });
  assert.equal(answer.status, 200, answer.body);
  const type = 'text/plain; version=0.0.4; charset=utf-8';
  assert.equal(answer.headers.get('content-type'), type);
  return new Map(parseExposition(answer.body).flatMap(({ samples }) => [...samples]));
}

/** All series of one name: by their labels, if they have some. */
export function seriesOf(scraped: Scrape, name: string): Scrape {
  const ofName = [...scraped].filter(([series]) => {
    return series === name || series.startsWith(`${name}{`);
  });
  return new Map(ofName);
}

/** A metric with everything that is said of it. */
interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Scrape;
}

const HEAD = /^# HELP ([a-z_:][a-z0-9_:]*) (\S.*)\n# TYPE (\S+) (counter|gauge|histogram)\n/;
const LABEL = String.raw`[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`;
const SAMPLE = new RegExp(
  String.raw`^([a-z_:][a-z0-9_:]*(?:\{${LABEL}(?:,${LABEL})*\})?) (-?[0-9.]+(?:e[+-]?\d+)?|Nan|NaN|[+-]Inf)$`,
);

/** Reads the text format of Prometheus, version 0.0.4. Throws at whatever is not quite as it should be. */
function parseExposition(text: string): readonly Family[] {
  assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'), 'It ends with one newline');
  const families = text.slice(0, -1).split('\n\n').map(parseFamily);
  const names = families.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'Each metric is there once');
  return families;
}

function parseFamily(block: string): Family {
  const text = `${block}\n`;
  const head = HEAD.exec(text);
  assert.ok(head !== null, `no head: ${block.slice(0, 200)}`);
  const [all, name = '', help = '', typed = '', type = ''] = head;
  assert.equal(typed, name);

  const samples = new Map<string, number>();
  for (const line of text.slice(all.length, -1).split('\n')) {
    if (line === '') continue;
    const [, series = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
    assert.ok(!samples.has(series), `twice: ${series}`);
    assert.ok(belongs(series, name, type), `${series} is none of ${name}`);
    samples.set(series, Number(value.replace('Inf', 'Infinity')));
  }
  const family = { name, type, help, samples };
  if (type === 'histogram') assertAdds(family);
  if (type === 'counter') for (const value of samples.values()) assert.ok(value >= 0, name);
  return family;
}

function belongs(series: string, name: string, type: string): boolean {
  const [bare] = series.split('{', 1);
  if (type !== 'histogram') return bare === name;
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(bare ?? '');
}

/** Buckets of a histogram hold those below them, too; the last one holds all. */
function assertAdds({ name, samples }: Family): void {
  const runs = new Map<string, [bound: number, count: number][]>();
  for (const [series, value] of samples) {
    const bound = /le="([^"]+)"/.exec(series)?.[1];
    if (bound === undefined) continue;
    const others = series.replace(/,?le="[^"]+",?/, '').replace('{}', '');
    const run = runs.get(others) ?? [];
    runs.set(others, [...run, [Number(bound.replace('Inf', 'Infinity')), value]]);
  }
  for (const [others, run] of runs) {
    const sorted = run.toSorted(([one], [other]) => one - other);
    assert.deepEqual(run, sorted, `${name}: bounds ascend`);
    for (const [index, [, count]] of run.entries())
      assert.ok(index === 0 || count >= (run[index - 1]?.[1] ?? 0), `${name}: counts ascend`);
    const last = run.at(-1);
    assert.equal(last?.[0], Infinity, `${name} has a last bucket`);
    assert.equal(last[1], samples.get(others.replace('_bucket', '_count')), `${name} adds up`);
  }
}
