import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failures } from '#client/protocol.js';
import type { Failure, FailureName, RefusalName } from '#client/protocol.js';

import { handshake } from '../support/exchange.ts';
import type { Answer, Handshake } from '../support/exchange.ts';
import { opcodes } from '../support/frames.ts';
import type { OutgoingFrame } from '../support/frames.ts';
import { buildGate } from '../support/gate.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway, TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { PreauthRequest } from '../support/preauth.ts';
import { bodyOf, preauth, PREAUTH_ENVIRONMENT, preauthBytes } from '../support/preauth.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query } from '../support/postgres.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import type { Closing, WsClient } from '../support/ws-client.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(600) } as const;

/** The name of a row that an open connection can be ended for. */
type EndingName = {
  [Name in FailureName]: (typeof failures)[Name] extends { readonly close: number } ? Name : never;
}[FailureName];

/** What came of a handshake, and the error code that was logged. */
interface Refused {
  readonly answer: Answer;
  readonly code: unknown;
}

type Environment = TestGatewayOptions['environment'];

const scope = failOnLeaks();

/** Starts a gateway with one client, does something to them, and tells how the client ended. */
async function ending(
  provoke: (client: WsClient, gateway: TestGateway) => unknown,
  options: TestGatewayOptions = {},
): Promise<Closing> {
  const gateway = await startGateway(scope, options);
  const client = await gateway.client(CHAT);
  await provoke(client, gateway);
  return await client.closed();
}

/** Causes each row of the table by which a connection ends. A new row is missing here until it is caused. */
const endings = {
  normal: () => ending((client) => client.close(1000)),
  goingAway: () => ending((_, { gateway }) => gateway.stop()),
  protocolError: () => endingByHand([{ opcode: opcodes.text, masked: false }]),
  tooManyFragments: () =>
    endingByHand([
      { opcode: opcodes.text, fin: false },
      ...Array.from({ length: 1_024 }, () => ({ opcode: opcodes.continuation, fin: false })),
    ]),
  invalidText: () => ending((client) => client.send(Buffer.from([0xff]))),
  messageTooBig: () => ending((client) => client.send('x'.repeat(8_000))),
  internal: async () => {
    const gate = await buildGate(scope, await freshDatabase(scope));
    return await ending((client) => client.send('bad'), { databaseUrl: gate.url });
  },
  restart: () =>
    ending((_, { query }) => killListener(query), { environment: { POSTERN_RAW_GAP: 'close' } }),
  tokenExpired: async () => {
    const { client } = await startGateway(scope);
    return await (await client({ ...CHAT, exp: Date.now() / 1000 + 0.5 })).closed();
  },
  forbidden: () => ending(() => {}, { hooks: { onSession: ({ end }) => end() } }),
  tooOld: () => ending(() => {}, { environment: { POSTERN_MAX_CONNECTION_AGE: '0.5' } }),
  slowConsumer: async () => {
    const gateway = await startGateway(scope, { environment: { POSTERN_QUEUE_BYTES: '10000' } });
    return await endOfSlowReader(gateway);
  },
  rateLimited: () =>
    ending(
      (client) => {
        for (let n = 0; n < 3; n++) client.send('too much');
      },
      { environment: { POSTERN_MESSAGES_PER_SECOND: '0.001', POSTERN_MESSAGE_BURST: '2' } },
    ),
  backendUnavailable: async () => {
    const database = await freshDatabase(scope);
    const gate = await buildGate(scope, database);
    const loseBackend = async (client: WsClient): Promise<void> => {
      await gate.shut();
      client.send('whether it arrived, nobody knows');
      await database.query('SELECT pg_terminate_backend($1)', [await gate.waiting()]);
      await gate.open();
    };
    return await ending(loseBackend, { databaseUrl: gate.url });
  },
} as const satisfies Partial<Record<EndingName, () => Promise<Closing>>>;

/** Knocks at a gateway of its own; with a good token, unless the handshake says otherwise. */
async function refusal(request: Handshake = {}, environment: Environment = {}): Promise<Refused> {
  return await refusalBy(await startGateway(scope, { environment }), request);
}

async function refusalBy({ port, events }: TestGateway, request: Handshake = {}): Promise<Refused> {
  const target = `/${await signToken(CHAT)}`;
  const answer = await handshake(port, { target, ...request });
  const logged = events.findLast(({ event }) => event === 'handshake_refused');
  return { answer, code: logged?.fields['code'] };
}

/** Knocks while one client is in. */
async function secondRefusal(environment: NonNullable<Environment>): Promise<Refused> {
  const gateway = await startGateway(scope, { environment });
  const client = await gateway.client(CHAT);
  const refused = await refusalBy(gateway);
  await client.close();
  return refused;
}

/** Asks for preauthentication, and tells how that was refused: the title stands for the text. */
async function preauthRefusal(request: PreauthRequest): Promise<Refused> {
  const { port, logged } = await startGateway(scope, { environment: PREAUTH_ENVIRONMENT });
  const answer = await preauth(port, request);
  const { code } = await logged('preauth_refused');
  return { answer: { ...answer, body: String(bodyOf(answer)['title']) }, code };
}

/** Begins to ask for it, and never comes to an end. */
async function unfinishedPreauth(): Promise<Refused> {
  const { port, logged } = await startGateway(scope, { environment: PREAUTH_ENVIRONMENT });
  const socket = await RawSocket.connect(port);
  socket.write(await preauthBytes(port, { headers: { 'Content-Length': '2' } }));
  const head = await socket.responseHead(8_000);
  const body = (await socket.ended()).toString();
  const { code } = await logged('preauth_refused');
  socket.destroy();
  return { answer: { ...head, body: String(bodyOf({ ...head, body })['title']) }, code };
}

const refusalOf = async (claims: object): Promise<Refused> =>
  refusal({ target: `/${await signToken({ ...CHAT, ...claims })}` });

/** Causes each row of the table by which a handshake is refused. */
const refusals = {
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
  tokenExpired: () => refusalOf({ exp: 1 }),
  forbidden: () => refusalOf({ channel: undefined }),
  originDenied: () =>
    refusal(
      { lines: ['Origin: https://evil.test'] },
      { POSTERN_ALLOWED_ORIGINS: 'https://app.test' },
    ),
  notYetValid: () => refusalOf({ nbf: inSeconds(60) }),
  backendUnavailable: async () => {
    const environment = { POSTERN_ON_LISTENER_LOSS: 'exit' };
    const target = await startGateway(scope, { environment });
    await killListener(target.query);
    await target.logged('listener_lost');
    return await refusalBy(target);
  },
  rateLimited: () => secondRefusal({ POSTERN_HANDSHAKES_PER_ADDRESS: '0.001' }),
  connectionLimit: () => secondRefusal({ POSTERN_CONNECTIONS_PER_ADDRESS: '1' }),
  overload: () => secondRefusal({ POSTERN_CONNECTIONS: '1' }),
  hostDenied: () => refusal({ headers: { Host: 'evil.test' } }),
  tokenInvalid: () => refusalOf({ mode: 'x' }),
  badHandshake: () => refusal({ headers: { 'Sec-WebSocket-Key': undefined } }),
  notFound: () => refusal({}, { POSTERN_URL_TOKENS: 'false' }),
  methodNotAllowed: () => refusal({ method: 'POST' }),
  upgradeRequired: () => refusal({ headers: { 'Sec-WebSocket-Version': '8' } }),
  unauthorized: () => preauthRefusal({ headers: { Authorization: undefined } }),
  timeout: unfinishedPreauth,
  originMissing: () => preauthRefusal({ headers: { Origin: undefined, Cookie: 'a=b' } }),
  fetchDenied: () => preauthRefusal({ headers: { 'Sec-Fetch-Mode': 'no-cors' } }),
  tlsRequired: () => preauthRefusal({ headers: { 'X-Forwarded-Proto': 'http' } }),
  badMessage: () => preauthRefusal({ body: '{' }),
  preflightRequired: () => preauthRefusal({ headers: { 'X-Postern-Preauth': undefined } }),
  unsupportedMediaType: () => preauthRefusal({ headers: { 'Content-Type': 'text/plain' } }),
  contentTooLarge: () => preauthRefusal({ body: ' '.repeat(4_097) }),
} as const satisfies Partial<Record<RefusalName, () => Promise<Refused>>>;

/** The raw protocol has its own answers for what is wrong with a token: 400, and these texts. */
const rawTexts: Readonly<Record<string, string>> = {
  tokenExpired: 'Token expired',
  forbidden: 'No allowed channels',
  notYetValid: 'Error: JWTNotYetValid',
  tokenInvalid: 'Missing mode',
};

const endingCauses: Readonly<Record<string, () => Promise<Closing>>> = endings;
const refusalCauses: Readonly<Record<string, () => Promise<Refused>>> = refusals;

describe('Every row of the failure table', () => {
  it('ends a connection or refuses a handshake', () => {
    for (const [name, { close, http }] of Object.entries<Failure>(failures))
      assert.ok(close !== undefined || http !== undefined, name);
  });

  for (const [name, { close, http, reason, code }] of Object.entries<Failure>(failures)) {
    if (close !== undefined) {
      it(`${name} ends a connection with ${close}`, async () => {
        assert.deepEqual(await endingCauses[name]?.(), { code: close, reason });
      });
    }

    if (http !== undefined) {
      const raw = rawTexts[name];
      const status = raw === undefined ? http : 400;
      it(`${name} refuses a handshake with ${status}`, async () => {
        const refused = await refusalCauses[name]?.();
        assert.equal(refused?.answer.status, status);
        assert.equal(refused.answer.body.split(': ')[0], (raw ?? reason).split(': ')[0]);
        assert.equal(refused.code, code);
      });
    }
  }
});

async function killListener(query: Query): Promise<void> {
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%' AND application_name = 'postern'`;
  assert.equal((await query(sql)).length, 1);
}

/** A reader whose frames are made by hand. */
async function connectByHand({ port }: TestGateway): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  const { status } = await socket.upgrade(`/${await signToken({ ...CHAT, mode: 'r' })}`);
  assert.equal(status, 101);
  return socket;
}

async function endingByHand(frames: readonly OutgoingFrame[]): Promise<Closing> {
  const socket = await connectByHand(await startGateway(scope));
  for (const frame of frames) socket.sendFrame(frame);
  return await closeFrameOf(socket);
}

/** Notifies more than sockets hold to a client that does not read, and then reads how it ended. */
async function endOfSlowReader(gateway: TestGateway): Promise<Closing> {
  const socket = await connectByHand(gateway);
  socket.pause();
  const text = `json_build_object('channel', 'chat', 'n', n, 'filling', repeat('x', 7000))::text`;
  const sql = `SELECT count(pg_notify($1, ${text})) FROM generate_series(1, 3000) AS n`;
  await gateway.query(sql, [gateway.channel]);
  await gateway.logged('session_ended');
  socket.resume();
  return await closeFrameOf(socket);
}

async function closeFrameOf(socket: RawSocket): Promise<Closing> {
  for (;;) {
    const { opcode, payload } = await socket.frame();
    if (opcode !== opcodes.close) continue;
    return { code: payload.readUInt16BE(), reason: payload.toString('utf8', 2) };
  }
}
