import { explainToken, wordsFor } from './api.ts';
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

/** Finds out why a handshake was refused, which browsers tell no script: asks the gate itself. */
export async function describeRefusal(token: string, channel: string): Promise<ClosingWords> {
  try {
    const { verdict } = await explainToken(token, channel, AbortSignal.timeout(5000));
    if (verdict.status === 101) return { title: 'Refused for now', advice: notTheToken };
    return {
      title: `Refused: ${verdict.status} ${verdict.text}`,
      advice: 'The browser only says 1006 for any refusal, so the page asked the gate.',
    };
  } catch (error) {
    return { title: 'Refused', advice: wordsFor(error) };
  }
}

const notTheToken =
  'The token is good. The gateway may be starting, ending, or without PostgreSQL: see its log.';
