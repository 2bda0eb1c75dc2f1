import assert from 'node:assert/strict';

import type { Answer } from './exchange.ts';
import { exchange } from './exchange.ts';
import { startGateway } from './gateway.ts';
import type { TestGateway, TestGatewayOptions } from './gateway.ts';
import type { Scope } from './postgres.ts';
import { inSeconds, signToken } from './tokens.ts';

/** The page of every request here, unless it says otherwise. */
export const APP = 'https://app.test';

/** A page that other sites frame, where no cookie of ours is kept. */
export const FRAME = 'https://frame.test';

/** Options with which every request here gets tickets; tests come as a proxy would. */
export const PREAUTH_ENVIRONMENT = {
  POSTERN_TRUSTED_PROXIES: '127.0.0.1',
  POSTERN_ALLOWED_ORIGINS: APP,
  POSTERN_EMBED_ORIGINS: FRAME,
} as const satisfies TestGatewayOptions['environment'];

/** What the site's own token says. */
export const SITE_CLAIMS = {
  iss: 'https://site.test',
  sub: 'ada',
  sid: 'login-1',
  jti: 'token-1',
  mode: 'rw',
  channels: ['chat', 'room:*'],
  exp: inSeconds(3_600),
} as const;

/** What a request for preauthentication differs in from a correct one. */
export interface PreauthRequest {
  readonly method?: string;
  readonly target?: string;
  /** Headers to change; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Further header lines, repeated ones too; none by default. */
  readonly lines?: readonly string[];
  /** Claims of the site's token to change; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** A character is a byte. Empty by default. */
  readonly body?: string;
}

/** The head and the body of a request for preauthentication, as they go over the wire. */
export async function preauthBytes(
  port: number,
  { method = 'POST', target = '/preauth', headers, lines = [], claims, body = '' }: PreauthRequest,
): Promise<string> {
  const all: Readonly<Record<string, string | undefined>> = {
    Host: `127.0.0.1:${port}`,
    Connection: 'close',
    Origin: APP,
    'X-Forwarded-Proto': 'https',
    Authorization: `Bearer ${await signToken({ ...SITE_CLAIMS, ...claims })}`,
    'Content-Type': 'application/json',
    'X-Postern-Preauth': '1',
    'Content-Length': String(Buffer.byteLength(body, 'latin1')),
    ...headers,
  };
  const usual = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `${[`${method} ${target} HTTP/1.1`, ...usual, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** Asks for preauthentication on a connection of its own, and returns the answer. */
export async function preauth(port: number, request: PreauthRequest = {}): Promise<Answer> {
  return await exchange(port, await preauthBytes(port, request));
}

/** Starts a gateway that gives tickets to pages of {@link APP}. */
export const startPreauth = (
  scope: Scope,
  environment: TestGatewayOptions['environment'] = {},
  hooks: TestGatewayOptions['hooks'] = {},
): Promise<TestGateway> =>
  startGateway(scope, { environment: { ...PREAUTH_ENVIRONMENT, ...environment }, hooks });

/** How it was refused: status and code. Fails when a cookie was set all the same. */
export function refused(answer: Answer): string {
  assert.equal(answer.headers.has('set-cookie'), false, answer.body);
  return `${answer.status} ${codeOf(answer)}`;
}

/** The code of a problem; fails for what is none. */
export function codeOf({ body }: Answer): string | undefined {
  return String(objectIn(body)['type']).split(':').at(-1);
}

/** What a token says, without asking whether it holds. */
export function claimsOf(token: unknown): Readonly<Record<string, unknown>> {
  return objectIn(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
}

/** The members of an answer. */
export function bodyOf({ body }: Answer): Readonly<Record<string, unknown>> {
  return objectIn(body);
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
