/**
 * What the history takes at its bound: `npm run bench:history [-- --mebibytes 64]`. Fails when any of it
 * takes more memory than it is told to.
 */
import { parseArgs } from 'node:util';

import { History } from '#gateway/hub/history.js';

import { table } from '../tests/load/table.ts';

const MEBIBYTE = 1_048_576;

const { values } = parseArgs({ options: { mebibytes: { type: 'string', default: '64' } } });
const bytes = Number(values.mebibytes) * MEBIBYTE;

/** What is published: texts of so many characters, on so many channels by turns. */
interface Traffic {
  readonly name: string;
  readonly characters: number;
  readonly character: string;
  readonly channels: number;
  /** Seconds that messages are kept. */
  readonly seconds: number;
}

const usual = { characters: 50, character: 'x', channels: 1, seconds: 120 } as const;
const traffics: readonly Traffic[] = [
  { ...usual, name: 'short messages on one channel' },
  { ...usual, name: 'short messages on 10,000 channels', channels: 10_000 },
  { ...usual, name: 'one message on each of a million channels', channels: 1_000_000 },
  { ...usual, name: 'short messages in two bytes a character', character: 'ž' },
  { ...usual, name: 'messages of 1,000 characters', characters: 1_000 },
  { ...usual, name: 'messages of 7,000 characters', characters: 7_000 },
  { ...usual, name: 'a million channels, nothing kept', channels: 1_000_000, seconds: 0 },
];

/** More than fits, of anything. */
const MESSAGES = 1_000_000;

const rows = traffics.map((traffic) => {
  const before = memory();
  const history = new History({ ...traffic, bytes, nowMs: () => performance.now() });
  const texts = fill(history, traffic);
  const taken = memory() - before;
  if (taken > bytes) process.exitCode = 1;
  return [traffic.name, mebibytes(texts), mebibytes(history.bytes), mebibytes(taken)];
});
console.log(table([['', 'published', 'counted', 'taken'], ...rows]).join('\n'));
console.log(`\nMiB; the bound is ${mebibytes(bytes)}. Node ${process.version}`);

/** Publishes until it has been full several times over. Returns the characters of all that. */
function fill(history: History, { characters, character, channels }: Traffic): number {
  let published = 0;
  for (let n = 0; n < MESSAGES && published < 4 * bytes; n += 1) {
    const channel = `channel ${n % channels}`;
    const payload = character.repeat(characters);
    const at = Date.now() / 1000;
    const tell = (cursor: string): string =>
      JSON.stringify({ type: 'message', channel, payload, cursor, at });
    published += history.add(channel, tell).length;
  }
  return published;
}

function memory(): number {
  if (globalThis.gc === undefined) throw new Error('Run with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function mebibytes(count: number): string {
  return (count / MEBIBYTE).toFixed(1);
}
