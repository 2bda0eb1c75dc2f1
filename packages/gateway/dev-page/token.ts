import { parseObject } from './api.ts';
import { humanTime } from './time.ts';

/** The two readable parts of a token; each `undefined` when it is no JSON object in base64url. */
export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>> | undefined;
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** Reads a token without judging it: that is the gate's business. */
export function readToken(token: string): TokenParts {
  const [header = '', claims = ''] = token.split('.');
  return { header: readPart(header), claims: readPart(claims) };
}

/** What a claim means to the gateway; empty for one that it only passes on. */
export function meaningOf(name: string, value: unknown): string {
  if (isTime(name)) return typeof value === 'number' ? humanTime(value) : 'must be a number';
  if (name === 'mode') return modes.get(value) ?? 'must be r, w or rw';
  return meanings.get(name) ?? '';
}

const modes = new Map<unknown, string>([
  ['r', 'may read'],
  ['w', 'may write'],
  ['rw', 'may read and write'],
]);

const meanings = new Map([
  ['channel', 'a channel by its exact name'],
  ['channels', 'channels by their exact names'],
  ['sub', 'who holds the token'],
  ['jti', 'this token’s own number'],
  ['iss', 'who made it'],
  ['aud', 'whom it is meant for'],
]);

function isTime(name: string): boolean {
  return ['exp', 'nbf', 'iat', 'message_delivered_at'].includes(name);
}

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const bytes = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    return parseObject(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
  } catch {
    // Not base64url at all: the same to the reader as base64url of something else.
    return undefined;
  }
}
