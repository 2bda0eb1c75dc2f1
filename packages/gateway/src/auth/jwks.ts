import { asObject, own, parseObject } from './decode.ts';
import { httpsText } from './https-text.ts';
import type { GetText } from './https-text.ts';
import { keyError, readJwk } from './jwk.ts';
import type { VerificationKey } from './jwk.ts';

/** A key of a set that cannot be used, by its position from 1, and why; never its value. */
export interface RefusedKey {
  readonly position: number;
  readonly why: string;
}

/** A set that was fetched: at least one key. */
export interface FetchedKeys {
  readonly outcome: 'loaded';
  readonly keys: readonly VerificationKey[];
  readonly refused: readonly RefusedKey[];
  readonly maxAgeMs: number | undefined;
}

/** What was wrong with a set, or with the way to it: a few constant words or an error code. */
export interface FetchProblem {
  readonly outcome: 'unavailable' | 'unusable';
  readonly problem: string;
  readonly refused: readonly RefusedKey[];
}

/** What came of a fetch: keys; no text at all; or a text that holds no key for us. */
export type FetchOutcome = (FetchedKeys | FetchProblem)['outcome'];

/** Each key of a token without `kid` is tried: a set must not make handshakes dear. */
const MOST_KEYS = 100;

const OPTION = 'POSTERN_JWKS';

/**
 * The URL of a JWK set, if the option names one. Throws `POSTERN_KEYS` for one that anybody on the way
 * could answer: keys that came by plain http let whoever sent them in.
 */
export function jwksUrl(option: string | undefined): URL | undefined {
  const text = option?.trim() ?? '';
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return undefined;
  if (!URL.canParse(text)) throw keyError(OPTION, 'is not a URL: give https://host/path');
  const url = new URL(text);
  if (url.protocol === 'https:') return url;
  throw keyError(OPTION, 'is a URL but not an https one: give https://…, or @path of a file');
}

/**
 * Fetches a set once and says what came of it: for the gateway, and for whoever looks for what is
 * wrong with a configuration. Never rejects for what the other side does.
 */
export async function fetchJwks(
  url: URL,
  signal: AbortSignal,
  getText: GetText = httpsText,
): Promise<FetchedKeys | FetchProblem> {
  try {
    // A wait that nothing could cut off would be a way to hold everybody up.
    const { text, maxAgeMs } = await orAborted(getText(url, signal), signal);
    return readSet(text, maxAgeMs);
  } catch (error) {
    return { outcome: 'unavailable', problem: reasonOf(error, signal), refused: [] };
  }
}

/** Reads what was published. One key that cannot be used does not cost the others. */
function readSet(text: string, maxAgeMs: number | undefined): FetchedKeys | FetchProblem {
  const document = parseObject(text);
  const members = document === undefined ? undefined : own(document, 'keys');
  const refused: RefusedKey[] = [];
  const unusable = (problem: string) => ({ outcome: 'unusable', problem, refused }) as const;
  if (!Array.isArray(members)) return unusable('not a JWK set');
  if (members.length > MOST_KEYS) return unusable(`more than ${MOST_KEYS} keys`);

  const keys = members.flatMap((member, index) => {
    const read = readPublished(member);
    if (typeof read === 'string') refused.push({ position: index + 1, why: read });
    return typeof read === 'object' ? [read] : [];
  });
  if (keys.length === 0) return unusable('no key that can be used');
  return { outcome: 'loaded', keys, refused, maxAgeMs };
}

/** A key, the reason why it is refused, or `undefined` for a key that is for something else. */
function readPublished(member: unknown): VerificationKey | string | undefined {
  const jwk = asObject(member);
  if (jwk === undefined) return 'not a JSON object';
  if (own(jwk, 'kty') === 'oct') return 'a secret that everybody can fetch';
  try {
    return readJwk(jwk, 'the key');
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no whole answer in time';
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
