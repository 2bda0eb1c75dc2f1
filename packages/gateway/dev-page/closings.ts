import type { Closing } from './api.ts';

/** A close code in words for people. */
export interface ClosingWords {
  readonly title: string;
  readonly advice: string;
}

/** Codes that no gateway sends: the browser makes them up (RFC 6455 §7.1.5). */
const browserCodes: readonly Closing[] = [
  { code: 1005, reason: 'no code given', advice: 'The other side closed without saying why.' },
  {
    code: 1006,
    reason: 'connection broke',
    advice: 'No close frame came: the gateway was killed, or the network between is gone.',
  },
];

/** Explains the end of a connection that had been open; `closings` is the gateway's own table. */
export function describeClose(
  code: number,
  reason: string,
  closings: readonly Closing[],
): ClosingWords {
  if (code === 1000) return { title: 'Closed: 1000', advice: 'You left; the gateway agreed.' };
  const all = [...closings, ...browserCodes].filter((closing) => closing.code === code);
  // Two failures may have one code here (POSTERN_CLOSE_CODES), and then their reasons differ.
  const known = all.find((closing) => closing.reason === reason) ?? all[0];
  return {
    title: `Closed: ${code} ${reason === '' ? (known?.reason ?? '') : reason}`.trim(),
    advice: known?.advice ?? 'This code is not in the gateway’s table of failures.',
  };
}
