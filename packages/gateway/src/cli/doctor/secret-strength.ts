/** Why a secret is easier to guess than its length says. */
export interface Weakness {
  /** Ends a sentence that begins with "the secret". */
  readonly what: string;
  /** Whoever tries at all will find it. */
  readonly guessed: boolean;
}

/** Secrets out of documentation and examples, which those who try secrets try first. */
const PUBLISHED = [
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  'reallyreallyreallyreallyverysafe',
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
];

/** Words of those who meant to change it later. */
const PLACEHOLDER = /secret|passw|change.?me|example|default|test|12345|qwert/i;

const FEWEST_BYTES = 12;

/** What is weak about the bytes of an HMAC secret, which are long enough; `undefined`: nothing seen. */
export function weaknessOf(bytes: Buffer): Weakness | undefined {
  const text = bytes.toString('latin1');
  if (PUBLISHED.includes(text.trim().toLowerCase()))
    return { what: 'is an example out of published documentation', guessed: true };
  const period = periodOf(text);
  if (period <= text.length / 2) return { what: `repeats the same ${period} bytes`, guessed: true };
  const distinct = new Set(text).size;
  if (distinct < FEWEST_BYTES)
    return { what: `is made of ${distinct} different bytes only`, guessed: true };
  if (/^\d+$/.test(text)) return { what: 'is made of digits only', guessed: false };
  if (PLACEHOLDER.test(text)) return { what: 'looks like a placeholder', guessed: false };
  if (isWords(text)) return { what: 'is made of words', guessed: false };
  return undefined;
}

/** After how many bytes it begins anew, the last time cut off perhaps; its length when it does not. */
function periodOf(text: string): number {
  for (let period = 1; period <= text.length / 2; period++)
    if (text.startsWith(text.slice(period))) return period;
  return text.length;
}

/** Letters of one case with something between them, as people write. Random text is seldom so even. */
function isWords(text: string): boolean {
  return /^[A-Za-z]?[a-z]+(?:[ _.,-]+[A-Za-z]?[a-z]*)*$/.test(text);
}
