import { COOKIE_NAME } from '#gateway/auth/auth-cookie.js';

import { encodeFrame, opcodes } from '../support/frames.ts';
import { APP, FRAME, preauthBytes, SITE_CLAIMS } from '../support/preauth.ts';
import type { PreauthRequest } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import type { KeyPair } from '../support/tokens.ts';
import { callAll } from './callers.ts';
import type { Call } from './callers.ts';

/** The key pairs that the gateways of the bench know the public halves of. */
export interface BenchKeys {
  readonly rsa: KeyPair;
  readonly ec: KeyPair;
}

/** Who is called: a server that asks nothing, a gateway, or one whose CSRF tokens count once. */
export type Server = 'bare' | 'gateway' | 'singleUse';

/** One way to knock. */
export interface Variant {
  readonly name: string;
  readonly at: Server;
  /** So many calls, made before anything is measured: tickets live 45 s. */
  readonly calls: (port: number, count: number) => Promise<readonly Call[]>;
}

/** Tickets come from the gateway itself, so many at a time. */
const MINTED_AT_A_TIME = 16;

/** The example of RFC 6455 §1.3: whoever answers with this has read the handshake. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const OPEN = { status: 101, hears: [ACCEPT], stays: true } as const;
const WELCOME = { ...OPEN, hears: [ACCEPT, '"type":"welcome"'] } as const;
const ADMITTED = { ...OPEN, hears: [...WELCOME.hears, '"type":"ok","id":1'] } as const;
const DENIED = { status: 403, hears: ['Origin'], stays: false } as const;
const GIVEN = { status: 200, hears: ['Token":"'], stays: false } as const;

const EMBED = { headers: { Origin: FRAME }, body: '{"embed":true}' } as const;

/** Every way in, and what to hold them against. They differ in the credential, and in nothing else. */
export function variantsFor({ rsa, ec }: BenchKeys): readonly Variant[] {
  const hs256 = (): Promise<string> => signToken(SITE_CLAIMS);
  const bearer = async (token: Promise<string>): Promise<Call> =>
    handshake({ Authorization: `Bearer ${await token}` });

  return [
    { name: 'bare node:http and ws', at: 'bare', calls: same(() => handshake({}, OPEN)) },
    {
      name: 'refused: foreign origin',
      at: 'gateway',
      calls: same(() =>
        handshake({ Origin: 'https://evil.test', Cookie: `${COOKIE_NAME}=x` }, DENIED),
      ),
    },
    {
      name: 'raw path, HS256',
      at: 'gateway',
      calls: same(async () =>
        handshake({ 'Sec-WebSocket-Protocol': undefined }, OPEN, `/chat/${await hs256()}`),
      ),
    },
    { name: 'bearer header, HS256', at: 'gateway', calls: same(() => bearer(hs256())) },
    {
      name: 'bearer header, RS256',
      at: 'gateway',
      calls: same(() => bearer(signToken(SITE_CLAIMS, { key: rsa.privateKey, alg: 'RS256' }))),
    },
    {
      name: 'bearer header, ES256',
      at: 'gateway',
      calls: same(() => bearer(signToken(SITE_CLAIMS, { key: ec.privateKey, alg: 'ES256' }))),
    },
    {
      name: 'bearer subprotocol, HS256',
      at: 'gateway',
      calls: same(async () =>
        handshake({ 'Sec-WebSocket-Protocol': `postern.v1, postern.bearer.${await hs256()}` }),
      ),
    },
    {
      name: 'first message, HS256',
      at: 'gateway',
      calls: same(async () => ({ ...handshake({}, ADMITTED), follows: authFrame(await hs256()) })),
    },
    { name: 'CSRF token and cookie', at: 'gateway', calls: withCsrf },
    { name: 'CSRF token and cookie, once', at: 'singleUse', calls: withCsrf },
    { name: 'embed token (once)', at: 'gateway', calls: withEmbed },
    {
      name: 'POST /preauth',
      at: 'gateway',
      calls: async (port, count) => Array(count).fill(await preauthCall(port, {})),
    },
  ];
}

/** The same call over and over. */
function same(call: () => Call | Promise<Call>): Variant['calls'] {
  return async (_port, count) => Array(count).fill(await call());
}

const withCsrf: Variant['calls'] = async (port, count) => {
  const answers = await preauthenticate(port, count, {});
  return answers.map((answer) => {
    const cookie = /^set-cookie: ([^;]+)/im.exec(answer)?.[1];
    const target = `/ws?csrf=${memberOf(answer, 'csrfToken')}`;
    return handshake({ Cookie: cookie }, WELCOME, target);
  });
};

const withEmbed: Variant['calls'] = async (port, count) => {
  const answers = await preauthenticate(port, count, EMBED);
  return answers.map((answer) =>
    handshake({ Origin: FRAME }, WELCOME, `/ws?embed=${memberOf(answer, 'embedToken')}`),
  );
};

async function preauthenticate(
  port: number,
  count: number,
  request: PreauthRequest,
): Promise<readonly string[]> {
  const call = await preauthCall(port, request);
  const calls = Array.from({ length: count }, () => call);
  return (await callAll(port, calls, MINTED_AT_A_TIME)).answers;
}

async function preauthCall(port: number, request: PreauthRequest): Promise<Call> {
  return { ...GIVEN, request: Buffer.from(await preauthBytes(port, request), 'latin1') };
}

function handshake(
  changes: Readonly<Record<string, string | undefined>>,
  answer: Omit<Call, 'request'> = WELCOME,
  target = '/ws',
): Call {
  const all: Readonly<Record<string, string | undefined>> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'postern.v1',
    'X-Forwarded-Proto': 'https',
    Origin: APP,
    ...changes,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  const head = [`GET ${target} HTTP/1.1`, ...lines].join('\r\n');
  return { ...answer, request: Buffer.from(`${head}\r\n\r\n`, 'latin1') };
}

function authFrame(token: string): Buffer {
  const payload = JSON.stringify({ type: 'auth', id: 1, token });
  return encodeFrame({ opcode: opcodes.text, payload });
}

function memberOf(answer: string, name: string): string {
  const body: unknown = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  if (typeof body !== 'object' || body === null) throw new TypeError('No JSON object');
  return String(new Map(Object.entries(body)).get(name));
}
