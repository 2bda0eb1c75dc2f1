import fc from 'fast-check';

/** How many requests of each kind a run makes: `POSTERN_FUZZ_RUNS`, 2,000 by default. */
export const FUZZ_RUNS = Number(process.env['POSTERN_FUZZ_RUNS'] ?? 2_000);

/** Bytes that mean something to somebody who reads HTTP. */
const MEANINGFUL = [
  ['\r\n', '\r\n\r\n', '\n', '\r', '\0', ' ', '\t', '\x0b', ':', ',', ';', '\xff', '\xc0\xaf'],
  ['/', '//', '.', '%', '%00', '?', '#', 'GET ', 'HTTP/1.1', 'HTTP/1.0', 'Host: a\r\n'],
  ['Upgrade: websocket\r\n', 'Connection: Upgrade\r\n', 'Expect: 100-continue\r\n'],
  ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n'],
].flat();

/** A few bytes, a character each. */
export const morsel = fc.oneof(
  fc.constantFrom(...MEANINGFUL),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** One place in a text, between 0 and 1, what is taken out there, and what is put in. */
export type Edit = readonly [place: number, removed: number, inserted: string];

/** Any edit. */
export const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat({ max: 40 }),
  morsel,
);

/** A text after these edits, one after the other. */
export function edited(original: string, edits: readonly Edit[]): string {
  return edits.reduce((current, [place, removed, inserted]) => {
    const at = Math.floor(place * current.length);
    return current.slice(0, at) + inserted + current.slice(at + removed);
  }, original);
}
