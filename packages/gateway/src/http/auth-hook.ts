import { get as httpGet } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { get as httpsGet } from 'node:https';
import { decodeUtf8, parseObject } from '../auth/decode.ts';
import type { Claims } from '../auth/verify.ts';
import { bodyAtMost } from './bounded-body.ts';
import type { Headers } from './problem.ts';

/** What the site's backend said: who it is, that it knows nobody, or nothing that could be used. */
export type HookAnswer =
  | { readonly claims: Claims }
  | 'unknown'
  | {
      /** Few constant words or an error code: never a credential, an address or a text of the backend. */
      readonly problem: string;
    };

/** Asks the site's backend who sent these headers. Never rejects for what the backend does. */
export type AskHook = (headers: Headers) => Promise<HookAnswer>;

/** How long the whole answer may take. A page waits as long. */
const ANSWER_MS = 2_000;

/** The longest answer, in bytes. */
const LONGEST_ANSWER = 64 * 1024;

/**
 * Makes what asks an http or https URL. Each question has a connection of its own, so that none waits
 * for another, and none can read what was meant for another. No redirect is followed: it could take the
 * credentials anywhere.
 */
export function createAuthHook(url: string, answerMs = ANSWER_MS): AskHook {
  const target = new URL(url);
  const get = target.protocol === 'https:' ? httpsGet : httpGet;

  return async (headers) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), answerMs);
    try {
      const options = { agent: false, headers: { ...USUAL, ...headers }, signal: late.signal };
      const answer = await readAnswer(await answerTo(get, target, options));
      return late.signal.aborted ? LATE : answer;
    } catch (error) {
      return late.signal.aborted ? LATE : { problem: codeOf(error) };
    } finally {
      clearTimeout(timer);
      // Whatever is left of the question is over, too.
      late.abort();
    }
  };
}

const LATE = { problem: 'no whole answer in time' };

/** Compressed, a few bytes could stand for very many. */
const USUAL = { Accept: 'application/json', 'Accept-Encoding': 'identity' };

function answerTo(
  get: typeof httpGet,
  url: URL,
  options: RequestOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, options, resolve).on('error', reject);
  });
}

async function readAnswer(response: IncomingMessage): Promise<HookAnswer> {
  const { statusCode = 0 } = response;
  // Its body is not waited for: to know nobody it needs none.
  response.on('error', () => undefined);
  if (statusCode === 401) return 'unknown';
  if (statusCode !== 200) {
    const isRedirect = statusCode >= 300 && statusCode < 400;
    return { problem: `status ${statusCode}${isRedirect ? ': redirects are not followed' : ''}` };
  }
  const body = await bodyAtMost(response, LONGEST_ANSWER);
  if ('problem' in body)
    return {
      problem: body.problem === 'tooLong' ? `longer than ${LONGEST_ANSWER} bytes` : 'broken off',
    };
  const claims = parseObject(decodeUtf8(body.bytes) ?? '');
  return claims === undefined ? { problem: 'not a JSON object' } : { claims };
}

/** The texts of Node's errors name addresses. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown';
}
