import { randomBytes } from 'node:crypto';

import { createSigningKeys } from '#gateway/auth/signing-keys.js';
import type { SigningKeys } from '#gateway/auth/signing-keys.js';
import { mintCookie, mintCsrf, mintEmbed } from '#gateway/auth/tickets.js';
import type { Login } from '#gateway/auth/tickets.js';

import { startGateway } from './gateway.ts';
import type { TestGateway } from './gateway.ts';
import type { Scope } from './postgres.ts';
import { APP, FRAME, PREAUTH_ENVIRONMENT, SITE_CLAIMS } from './preauth.ts';
import { inSeconds, signToken } from './tokens.ts';
import type { WsHandshake } from './way-in.ts';

const secret = randomBytes(32);

/** The keys of a gateway that attackers know nothing of, and tests do. */
export const KEYS = createSigningKeys([{ kid: 'a', secret }]);

/** Of the same name as the gateway's, and another secret. */
export const FOREIGN_KEYS = createSigningKeys([{ kid: 'a', secret: randomBytes(32) }]);

/** Of the gateway's secret, and a name that it does not know. */
export const UNKNOWN_KEYS = createSigningKeys([{ kid: 'b', secret }]);

/** Somebody who is logged in to the site. */
const ADA: Login = {
  iss: SITE_CLAIMS.iss,
  sub: SITE_CLAIMS.sub,
  sid: SITE_CLAIMS.sid,
  scopes: { mode: SITE_CLAIMS.mode, channels: SITE_CLAIMS.channels },
  ajti: undefined,
  authIssuedAt: 0,
  authExpiresAt: SITE_CLAIMS.exp,
};

/** How tickets differ from what a page has that has just preauthenticated. */
export interface TicketChange {
  readonly login?: Partial<Login>;
  readonly keys?: SigningKeys;
  /** Seconds from now at which they were made. */
  readonly at?: number;
  readonly origin?: string;
}

const mintOf = ({ keys = KEYS, at = 0 }: TicketChange) => ({ keys, nowSeconds: inSeconds(at) });

/** The Cookie header that goes with a login. */
export function cookieOf(change: TicketChange = {}): string {
  const { text } = mintCookie({ ...ADA, ...change.login }, mintOf(change));
  return `__Host-Http-postern=${text}`;
}

/** The CSRF token of a page. */
export function csrfOf(change: TicketChange = {}): string {
  const identity = { ...ADA, ...change.login };
  const page = { identity, origin: change.origin ?? APP, wanted: undefined };
  return mintCsrf(page, mintOf(change)).text;
}

/** The embed token of a framed page. */
export function embedOf(change: TicketChange = {}): string {
  return mintEmbed({ ...ADA, ...change.login }, change.origin ?? FRAME, mintOf(change)).text;
}

/** The site's own token. */
export const BEARER = await signToken(SITE_CLAIMS);

/** What a page of ours brings. */
export const browser = (change: WsHandshake = {}): WsHandshake => ({
  cookie: cookieOf(),
  csrf: csrfOf(),
  ...change,
});

/** What a page that is framed brings. */
export const framed = (change: WsHandshake = {}): WsHandshake => ({
  embed: embedOf(),
  origin: FRAME,
  ...change,
});

/** What a gateway is told that has {@link KEYS}. */
export const ATTACKED_ENVIRONMENT = {
  ...PREAUTH_ENVIRONMENT,
  POSTERN_SECRETS: `a:${secret.toString('base64')}`,
};

/** A gateway with {@link KEYS}, on a database of its own by default. */
export const startAttacked = (
  scope: Scope,
  environment: Readonly<Record<string, string>> = {},
  databaseUrl?: string,
): Promise<TestGateway> =>
  startGateway(scope, { environment: { ...ATTACKED_ENVIRONMENT, ...environment }, databaseUrl });

/** The same text but for its last character, which stands for bits that decoders may leave aside. */
export function malleated(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.at(-1) ?? '');
  return `${token.slice(0, -1)}${alphabet[last ^ 1] ?? ''}`;
}

/** A handshake by its name, and the answer that it must get: the status, with the text where it matters. */
export type Case = readonly [name: string, handshake: WsHandshake, answer: string];

export const each = (
  names: readonly string[],
  make: (name: string) => WsHandshake,
  answer: string,
): readonly Case[] => names.map((name) => [JSON.stringify(name), make(name), answer]);
