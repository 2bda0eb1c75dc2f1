import assert from 'node:assert/strict';

import type { RefusalName } from '#client/protocol.js';

import { handshake } from './exchange.ts';
import type { Answer, Handshake } from './exchange.ts';
import { CHAT, killListener, mixed } from './failure-causes.ts';
import { startGateway } from './gateway.ts';
import type { TestGateway, TestGatewayOptions } from './gateway.ts';
import type { Scope } from './postgres.ts';
import type { PreauthRequest } from './preauth.ts';
import { bodyOf, preauth, PREAUTH_ENVIRONMENT, preauthBytes, startPreauth } from './preauth.ts';
import { RawSocket } from './raw-socket.ts';
import { inSeconds, signToken } from './tokens.ts';
import { enter, knock, tickets } from './way-in.ts';
import type { WsHandshake } from './way-in.ts';

type Environment = TestGatewayOptions['environment'];

/** What came of a handshake, and the error code that was logged. */
export interface Refused {
  readonly answer: Answer;
  readonly code: unknown;
}

/** Causes each row of the table by which a handshake is refused. */
export const refusalsOn = (scope: Scope) =>
  ({
    goingAway: async () => {
      const target = await startGateway(scope, { environment: { POSTERN_DRAIN_SECONDS: '1' } });
      const clients = await Promise.all(Array.from({ length: 100 }, () => target.client(CHAT)));
      void target.gateway.stop();
      const refused = await refusalBy(target);
      for (const client of clients) await client.closed();
      return refused;
    },
    internal: async () => {
      const codes: unknown[] = [];
      const log: NonNullable<TestGatewayOptions['hooks']>['log'] = (event) => {
        if (event === 'handshake_refused') throw new Error('A bug');
        if (event === 'handshake_failed') codes.push('internal');
      };
      const { answer } = await refusalBy(await startGateway(scope, { hooks: { log } }), {
        target: '/',
      });
      return { answer, code: codes[0] };
    },
    tokenExpired: () => refusalOf(scope, { exp: 1 }),
    forbidden: () => refusalOf(scope, { channel: undefined }),
    originDenied: () =>
      refusal(
        scope,
        { lines: ['Origin: https://evil.test'] },
        { POSTERN_ALLOWED_ORIGINS: 'https://app.test' },
      ),
    notYetValid: () => refusalOf(scope, { nbf: inSeconds(60) }),
    backendUnavailable: async () => {
      const environment = { POSTERN_ON_LISTENER_LOSS: 'exit' };
      const target = await startGateway(scope, { environment });
      await killListener(target.query);
      await target.logged('listener_lost');
      return await refusalBy(target);
    },
    rateLimited: () => secondRefusal(scope, { POSTERN_HANDSHAKES_PER_ADDRESS: '0.001' }),
    connectionLimit: () => secondRefusal(scope, { POSTERN_CONNECTIONS_PER_ADDRESS: '1' }),
    overload: () => secondRefusal(scope, { POSTERN_CONNECTIONS: '1' }),
    hostDenied: () => refusal(scope, { headers: { Host: 'evil.test' } }),
    tokenInvalid: () => refusalOf(scope, { mode: 'x' }),
    badHandshake: () => refusal(scope, { headers: { 'Sec-WebSocket-Key': undefined } }),
    notFound: () => refusal(scope, {}, { POSTERN_URL_TOKENS: 'false' }),
    methodNotAllowed: () => refusal(scope, { method: 'POST' }),
    upgradeRequired: () => refusal(scope, { headers: { 'Sec-WebSocket-Version': '8' } }),
    unauthorized: () => preauthRefusal(scope, { headers: { Authorization: undefined } }),
    replayed: () =>
      wsRefusal(scope, { POSTERN_SINGLE_USE: 'true' }, async (port) => {
        const { cookie, token: csrf } = await tickets(port);
        assert.equal((await knock(port, { cookie, csrf })).status, 101);
        return { cookie, csrf };
      }),
    revoked: () =>
      wsRefusal(scope, {}, async (port, { query }) => {
        const both = await tickets(port);
        const client = await enter(port, both);
        await query(`SELECT postern.revoke(sub => 'ada')`);
        // From then on the gateway knows.
        await client.closed();
        return { cookie: both.cookie, csrf: both.token };
      }),
    bindingMismatch: () =>
      wsRefusal(scope, {}, async (port) => {
        const [{ cookie, token: csrf } = assert.fail()] = await mixed(port);
        return { cookie, csrf };
      }),
    timeout: () => unfinishedPreauth(scope),
    originMissing: () => preauthRefusal(scope, { headers: { Origin: undefined, Cookie: 'a=b' } }),
    fetchDenied: () => preauthRefusal(scope, { headers: { 'Sec-Fetch-Mode': 'no-cors' } }),
    tlsRequired: () => preauthRefusal(scope, { headers: { 'X-Forwarded-Proto': 'http' } }),
    badMessage: () => preauthRefusal(scope, { body: '{' }),
    preflightRequired: () => preauthRefusal(scope, { headers: { 'X-Postern-Preauth': undefined } }),
    unsupportedMediaType: () =>
      preauthRefusal(scope, { headers: { 'Content-Type': 'text/plain' } }),
    contentTooLarge: () => preauthRefusal(scope, { body: ' '.repeat(4_097) }),
  }) as const satisfies Record<RefusalName, () => Promise<Refused>>;

/** Knocks at a gateway of its own; with a good token, unless the handshake says otherwise. */
async function refusal(
  scope: Scope,
  request: Handshake = {},
  environment: Environment = {},
): Promise<Refused> {
  return await refusalBy(await startGateway(scope, { environment }), request);
}

async function refusalBy({ port, events }: TestGateway, request: Handshake = {}): Promise<Refused> {
  const target = `/${await signToken(CHAT)}`;
  const answer = await handshake(port, { target, ...request });
  const logged = events.findLast(({ event }) => event === 'handshake_refused');
  return { answer, code: logged?.fields['code'] };
}

/** Knocks while one client is in. */
async function secondRefusal(
  scope: Scope,
  environment: NonNullable<Environment>,
): Promise<Refused> {
  const gateway = await startGateway(scope, { environment });
  const client = await gateway.client(CHAT);
  const refused = await refusalBy(gateway);
  await client.close();
  return refused;
}

/** Asks for preauthentication, and tells how that was refused: the title stands for the text. */
async function preauthRefusal(scope: Scope, request: PreauthRequest): Promise<Refused> {
  const { port, logged } = await startGateway(scope, { environment: PREAUTH_ENVIRONMENT });
  const answer = await preauth(port, request);
  const { code } = await logged('preauth_refused');
  return { answer: { ...answer, body: String(bodyOf(answer)['title']) }, code };
}

/** Begins to ask for it, and never comes to an end. */
async function unfinishedPreauth(scope: Scope): Promise<Refused> {
  const { port, logged } = await startGateway(scope, { environment: PREAUTH_ENVIRONMENT });
  const socket = await RawSocket.connect(port);
  socket.write(await preauthBytes(port, { headers: { 'Content-Length': '2' } }));
  const head = await socket.responseHead(8_000);
  const body = (await socket.ended()).toString();
  const { code } = await logged('preauth_refused');
  socket.destroy();
  return { answer: { ...head, body: String(bodyOf({ ...head, body })['title']) }, code };
}

/** Knocks at `/ws` of a gateway of its own. */
async function wsRefusal(
  scope: Scope,
  environment: Environment,
  choose: (port: number, gateway: TestGateway) => Promise<WsHandshake>,
): Promise<Refused> {
  const gateway = await startPreauth(scope, environment);
  const answer = await knock(gateway.port, await choose(gateway.port, gateway));
  return { answer, code: (await gateway.logged('handshake_refused'))['code'] };
}

const refusalOf = async (scope: Scope, claims: object): Promise<Refused> =>
  refusal(scope, { target: `/${await signToken({ ...CHAT, ...claims })}` });
