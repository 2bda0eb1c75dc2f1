import assert from 'node:assert/strict';

import type { Answer, Handshake } from './exchange.ts';
import { handshake } from './exchange.ts';
import { APP, bodyOf, FRAME, preauth } from './preauth.ts';
import type { PreauthRequest } from './preauth.ts';
import { WsClient } from './ws-client.ts';

/** What a page and its browser hold after preauthentication. */
export interface Tickets {
  /** The line of the Cookie header; empty for an embed token. */
  readonly cookie: string;
  /** The CSRF token, or the embed token. */
  readonly token: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Preauthenticates, and fails when that is refused. */
export async function tickets(port: number, request: PreauthRequest = {}): Promise<Tickets> {
  const answer = await preauth(port, request);
  assert.equal(answer.status, 200, answer.body);
  const body = bodyOf(answer);
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  return { cookie, token: String(body['csrfToken'] ?? body['embedToken']), body };
}

/** Preauthenticates from a page that another site frames. */
export const embedTickets = (port: number, request: PreauthRequest = {}): Promise<Tickets> =>
  tickets(port, { ...request, headers: { Origin: FRAME, ...request.headers }, body: EMBED });

const EMBED = '{"embed":true}';

/** What a handshake at `/ws` brings, beside what all bring. */
export interface WsHandshake extends Handshake {
  readonly csrf?: string;
  readonly embed?: string;
  readonly bearer?: string;
  /** Beside `postern.v1`. */
  readonly offers?: readonly string[];
  /** The Cookie header; none by default. */
  readonly cookie?: string;
  /** The page; {@link APP} by default, `undefined`: it does not say. */
  readonly origin?: string | undefined;
}

/** One handshake at `/ws`, byte for byte, and the answer to it. */
export function knock(port: number, options: WsHandshake = {}): Promise<Answer> {
  const { csrf, embed, bearer, offers = [], cookie, origin, headers, ...rest } = options;
  const query = [
    ...(csrf === undefined ? [] : [`csrf=${csrf}`]),
    ...(embed === undefined ? [] : [`embed=${embed}`]),
  ].join('&');
  return handshake(port, {
    target: query === '' ? '/ws' : `/ws?${query}`,
    headers: {
      Origin: 'origin' in options ? origin : APP,
      Cookie: cookie,
      Authorization: bearer === undefined ? undefined : `Bearer ${bearer}`,
      'Sec-WebSocket-Protocol': ['postern.v1', ...offers].join(', '),
      ...headers,
    },
    ...rest,
  });
}

/** The answer in short: the status alone, or with what its body says. */
export const told = ({ status, body }: Answer): string => `${status} ${body}`.trim();

/** Connects as a page does, with the cookie and the token in the query. */
export function enter(port: number, { cookie, token }: Tickets): Promise<WsClient> {
  return WsClient.connect(`ws://127.0.0.1:${port}/ws?csrf=${token}`, {
    protocols: ['postern.v1'],
    headers: { Origin: APP, Cookie: cookie },
  });
}

/** The next message, parsed. */
export async function said(client: WsClient): Promise<Readonly<Record<string, unknown>>> {
  const message: unknown = JSON.parse(await client.message());
  assert.ok(typeof message === 'object' && message !== null);
  return { ...message };
}
