import assert from 'node:assert/strict';

import type { EndingName } from '#client/protocol.js';

import { CHAT, killListener, mixed } from './failure-causes.ts';
import { opcodes } from './frames.ts';
import type { OutgoingFrame } from './frames.ts';
import { buildGate } from './gate.ts';
import { startGateway } from './gateway.ts';
import type { TestGateway, TestGatewayOptions } from './gateway.ts';
import { freshDatabase } from './postgres.ts';
import type { Scope } from './postgres.ts';
import { APP, startPreauth } from './preauth.ts';
import { RawSocket } from './raw-socket.ts';
import { inSeconds, signToken } from './tokens.ts';
import { enter, said, tickets } from './way-in.ts';
import type { Tickets } from './way-in.ts';
import type { Closing, ConnectOptions } from './ws-client.ts';
import { WsClient } from './ws-client.ts';

type Environment = NonNullable<TestGatewayOptions['environment']>;

/** Causes each row of the table by which a connection ends. A new row is missing here until it is caused. */
export const endingsOn = (scope: Scope) =>
  ({
    normal: () => ending(scope, (client) => client.close(1000)),
    goingAway: () => ending(scope, (_, { gateway }) => gateway.stop()),
    protocolError: () => endingByHand(scope, [{ opcode: opcodes.text, masked: false }]),
    tooManyFragments: () =>
      endingByHand(scope, [
        { opcode: opcodes.text, fin: false },
        ...Array.from({ length: 1_024 }, () => ({ opcode: opcodes.continuation, fin: false })),
      ]),
    invalidText: () => ending(scope, (client) => client.send(Buffer.from([0xff]))),
    messageTooBig: () =>
      ending(scope, (client) => client.send('x'.repeat(8_000)), {
        environment: { POSTERN_MIGRATE: 'false' },
      }),
    internal: async () => {
      const gate = await buildGate(scope, await freshDatabase(scope));
      return await ending(scope, (client) => client.send('bad'), { databaseUrl: gate.url });
    },
    restart: () =>
      ending(scope, (_, { query }) => killListener(query), {
        environment: { POSTERN_RAW_GAP: 'close' },
      }),
    tokenExpired: async () => {
      const { client } = await startGateway(scope);
      return await (await client({ ...CHAT, exp: Date.now() / 1000 + 0.5 })).closed();
    },
    forbidden: () => ending(scope, () => {}, { hooks: { onSession: ({ end }) => end() } }),
    tooOld: () => ending(scope, () => {}, { environment: { POSTERN_MAX_CONNECTION_AGE: '0.5' } }),
    slowConsumer: async () => {
      const gateway = await startGateway(scope, { environment: { POSTERN_QUEUE_BYTES: '10000' } });
      return await endOfSlowReader(scope, gateway);
    },
    rateLimited: () =>
      ending(
        scope,
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
      return await ending(scope, loseBackend, { databaseUrl: gate.url });
    },
    binaryUnsupported: () => endingOfPage(scope, Buffer.from('{}')),
    badMessage: () => endingOfPage(scope, 'hello'),
    unauthorized: async () => {
      const client = await connectUnknown(scope);
      client.send('hello');
      return await client.closed();
    },
    timeout: async () => (await connectUnknown(scope)).closed(8_000),
    notYetValid: async () =>
      endingOfBearer(scope, await signToken({ ...CHAT, nbf: inSeconds(60) })),
    tokenInvalid: () => endingOfBearer(scope, 'x'),
    bindingMismatch: () => endingOfTickets(scope, {}, mixed),
    replayed: () => endingOfTickets(scope, { POSTERN_SINGLE_USE: 'true' }, twice),
    revoked: async () => {
      const { client, query } = await startGateway(scope);
      const ada = await client({ ...CHAT, sub: 'ada' });
      await query(`SELECT postern.revoke(sub => 'ada')`);
      return await ada.closed();
    },
    disconnected: async () => {
      const { client, query } = await startGateway(scope);
      const ada = await client({ ...CHAT, sub: 'ada' });
      await query(`SELECT postern.disconnect(sub => 'ada')`);
      return await ada.closed();
    },
    identityChanged: async () => {
      const { port } = await startPreauth(scope);
      const client = await enter(port, await tickets(port));
      const { session } = await said(client);
      const claims = { sub: 'bob' };
      const { body } = await tickets(port, { claims, body: JSON.stringify({ session }) });
      client.send(JSON.stringify({ type: 'auth', id: 1, token: body['refreshToken'] }));
      return await client.closed();
    },
    connectionLimit: () => endingOfTickets(scope, { POSTERN_CONNECTIONS_PER_USER: '1' }, twice),
  }) as const satisfies Record<EndingName, () => Promise<Closing>>;

/** Starts a gateway with one client, does something to them, and tells how the client ended. */
async function ending(
  scope: Scope,
  provoke: (client: WsClient, gateway: TestGateway) => unknown,
  options: TestGatewayOptions = {},
): Promise<Closing> {
  const gateway = await startGateway(scope, options);
  const client = await gateway.client(CHAT);
  await provoke(client, gateway);
  return await client.closed();
}

/** What a page sends on a connection of `postern.v1`, and how that ended. */
async function endingOfPage(
  scope: Scope,
  ...messages: readonly (string | Buffer)[]
): Promise<Closing> {
  const { port } = await startPreauth(scope);
  const client = await enter(port, await tickets(port));
  for (const message of messages) client.send(message);
  return await client.closed();
}

/** Connects to `/ws` without a credential. */
async function connectUnknown(scope: Scope, headers: ConnectOptions['headers'] = { Origin: APP }) {
  const { port } = await startPreauth(scope, { POSTERN_HANDSHAKE_ERRORS: 'close' });
  return await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
    protocols: ['postern.v1'],
    headers,
  });
}

/** How a bearer was refused, by a close code. */
async function endingOfBearer(scope: Scope, token: string): Promise<Closing> {
  const client = await connectUnknown(scope, { Authorization: `Bearer ${token}` });
  return await client.closed();
}

/** How the last of these was refused, by a close code. */
async function endingOfTickets(
  scope: Scope,
  environment: Environment,
  choose: (port: number) => Promise<readonly Tickets[]>,
): Promise<Closing> {
  const { port } = await startPreauth(scope, {
    POSTERN_HANDSHAKE_ERRORS: 'close',
    ...environment,
  });
  const [last, ...before] = (await choose(port)).toReversed();
  const clients = await Promise.all(before.map((one) => enter(port, one)));
  const closing = await (await enter(port, last ?? assert.fail())).closed();
  await Promise.all(clients.map((client) => client.close()));
  return closing;
}

async function twice(port: number): Promise<readonly Tickets[]> {
  const one = await tickets(port);
  return [one, one];
}

/** A reader whose frames are made by hand. */
async function connectByHand(scope: Scope, { port }: TestGateway): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  const { status } = await socket.upgrade(`/${await signToken({ ...CHAT, mode: 'r' })}`);
  assert.equal(status, 101);
  return socket;
}

async function endingByHand(scope: Scope, frames: readonly OutgoingFrame[]): Promise<Closing> {
  const socket = await connectByHand(scope, await startGateway(scope));
  for (const frame of frames) socket.sendFrame(frame);
  return await closeFrameOf(socket);
}

/** Notifies more than sockets hold to a client that does not read, and then reads how it ended. */
async function endOfSlowReader(scope: Scope, gateway: TestGateway): Promise<Closing> {
  const socket = await connectByHand(scope, gateway);
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
