import { killListener } from './failure-causes.ts';
import { buildGate } from './gate.ts';
import { startGateway } from './gateway.ts';
import type { TestGateway } from './gateway.ts';
import { freshDatabase } from './postgres.ts';
import type { Scope } from './postgres.ts';
import { Recorded } from './recorded.ts';
import { enterByBearer } from './refreshing.ts';
import { StreamClient } from './stream-client.ts';
import type { StreamRequest } from './stream-client.ts';
import { inSeconds, signToken } from './tokens.ts';
import { until } from './wait.ts';
import { said } from './way-in.ts';
import { WsClient } from './ws-client.ts';

/** Where an exchange takes place. */
export interface Stage {
  readonly scope: Scope;
  readonly gateway: TestGateway;
}

type Exchange = (stage: Stage) => Promise<Recorded>;

/** Whoever comes, unless an exchange says otherwise. */
const ADA = {
  iss: undefined,
  sid: undefined,
  jti: undefined,
  sub: 'ada',
  mode: undefined,
  channels: { news: 'r', 'room:*': 'rw' },
} as const;

const ROOM = 'room:1';
const NOTIFY = `SELECT pg_notify('postgres-websockets-listener', '{"channel":"room:1","payload":`;

/** The exchanges that pages show, by the name in their marks: `<!-- exchange: name -->`. */
export const exchanges: Readonly<Record<string, Exchange>> = {
  'first message': async ({ scope, gateway }) => {
    const recorded = new Recorded();
    const client = await WsClient.connect(`${gateway.wsUrl}/ws`, { protocols: ['postern.v1'] });
    scope.after(() => Promise.resolve(client.terminate()));
    const token = await signToken({ ...ADA, exp: inSeconds(3_600) });
    recorded.says(client, { type: 'auth', id: 1, token });
    await recorded.hears(client, 2);
    return recorded;
  },

  subscribe: async (stage) => {
    const { recorded, client } = await enter(stage);
    recorded.says(client, { type: 'subscribe', id: 1, channel: ROOM });
    await recorded.hears(client);
    await notify(stage, recorded, '{"text":"hello"}');
    await recorded.hears(client);
    recorded.says(client, { type: 'unsubscribe', id: 2, channel: ROOM });
    await recorded.hears(client);
    return recorded;
  },

  resume: async (stage) => {
    const { recorded, client } = await enter(stage);
    client.send(`{"type":"subscribe","id":1,"channel":"${ROOM}"}`);
    const { cursor } = await said(client);
    for (const text of ['one', 'two']) {
      await silentlyNotify(stage, `"${text}"`);
      // The gateway has it a moment after it is committed.
      await said(client);
    }
    client.send(`{"type":"unsubscribe","id":2,"channel":"${ROOM}"}`);
    await said(client);
    recorded.says(client, { type: 'subscribe', id: 1, channel: ROOM, from: cursor });
    await recorded.hears(client, 3);
    return recorded;
  },

  gap: async (stage) => {
    const { recorded, client } = await enter(stage);
    recorded.says(client, { type: 'subscribe', id: 1, channel: ROOM, from: 'long-ago.77' });
    await recorded.hears(client, 2);
    return recorded;
  },

  break: async (stage) => {
    const { recorded, client } = await enter(stage);
    recorded.says(client, { type: 'subscribe', id: 1, channel: ROOM });
    await recorded.hears(client);
    await recorded.meanwhile(
      '(its connection to PostgreSQL breaks)',
      killListener(stage.gateway.query),
    );
    await recorded.hears(client, 3);
    return recorded;
  },

  publish: async (stage) => {
    const { recorded, client } = await enter(stage);
    const type = 'publish';
    for (const message of [
      { type, id: 1, channel: ROOM, payload: { text: 'hello' } },
      { type, id: 2, channel: 'news', payload: 'hello' },
      { type, id: 3, channel: ROOM },
      { type, id: 4, channel: ROOM, payload: 'once', key: '8f1f' },
      { type, id: 5, channel: ROOM, payload: 'once', key: '8f1f' },
    ]) {
      recorded.says(client, message);
      await recorded.hears(client);
    }
    return recorded;
  },

  outcome: async ({ scope }) => {
    const database = await freshDatabase(scope);
    const gate = await buildGate(scope, database);
    const gateway = await startGateway(scope, {
      databaseUrl: gate.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const { recorded, client } = await enter({ scope, gateway });
    await gate.shut();
    recorded.says(client, { type: 'publish', id: 1, channel: ROOM, payload: 'hello' });
    await recorded.meanwhile(
      '(PostgreSQL is lost before it has answered)',
      gate.waiting().then((pid) => database.query('SELECT pg_terminate_backend($1)', [pid])),
    );
    await recorded.hears(client);
    await gate.open();
    return recorded;
  },

  ping: async (stage) => {
    const { recorded, client } = await enter(stage);
    recorded.says(client, { type: 'ping', id: 1 });
    await recorded.hears(client);
    return recorded;
  },

  'another token': async (stage) => {
    const { recorded, client } = await enter(stage, { exp: inSeconds(29) });
    await recorded.hears(client);
    const token = await signToken({ ...ADA, exp: inSeconds(3_600) });
    recorded.says(client, { type: 'auth', id: 2, token });
    await recorded.hears(client);
    return recorded;
  },

  'a narrower token': async (stage) => {
    const { recorded, client } = await enter(stage);
    client.send(`{"type":"subscribe","id":1,"channel":"${ROOM}"}`);
    await said(client);
    const token = await signToken({ ...ADA, channels: { news: 'r' }, exp: inSeconds(7_200) });
    recorded.says(client, { type: 'auth', id: 2, token });
    await recorded.hears(client, 2);
    return recorded;
  },

  'the end': async (stage) => {
    const { recorded, client } = await enter(stage, { exp: inSeconds(2) });
    await recorded.ends(client);
    return recorded;
  },

  stream: async (stage) => {
    const recorded = new Recorded();
    const target = `/sse?channel=news&channel=${ROOM}`;
    recorded.asks(target, ['Authorization: Bearer eyJhbGciOi…']);
    const stream = await openStream(stage, { target, exp: inSeconds(3) });
    await stream.event();
    await stream.event();
    await silentlyNotify(stage, '{"text":"hello"}');
    await stream.ended(10_000);
    recorded.streams(stream.text);
    return recorded;
  },

  'stream that comes back': async (stage) => {
    const target = `/sse?channel=${ROOM}`;
    const first = await openStream(stage, { target });
    const { lastEventId } = await first.event();
    await silentlyNotify(stage, '{"text":"missed"}');
    // The gateway has it a moment after it is committed.
    await first.event();
    first.leave();
    const recorded = new Recorded();
    recorded.asks(target, [`Last-Event-ID: ${recorded.cursor(lastEventId)}`]);
    const stream = await openStream(stage, { target, headers: { 'Last-Event-ID': lastEventId } });
    // Behind what was missed there is an id alone: other channels have moved on.
    await until('the mark', () => /\n\nid: \S+\n\n$/.test(stream.text));
    recorded.streams(stream.text);
    return recorded;
  },

  'bad messages': async (stage) => {
    const { recorded, client } = await enter(stage);
    recorded.says(client, { type: 'wish', id: 1 });
    await recorded.hears(client);
    recorded.says(client, { type: 'subscribe', id: 2, channel: 'room:*' });
    await recorded.hears(client);
    recorded.says(client, 'hello');
    await recorded.ends(client);
    return recorded;
  },
};

/** Somebody who has been welcomed, and warned where the token is near its end, and what is recorded from there on. */
async function enter({ scope, gateway }: Stage, claims: object = {}) {
  const { client } = await enterByBearer(gateway.port, {
    ...ADA,
    exp: inSeconds(3_600),
    ...claims,
  });
  scope.after(() => Promise.resolve(client.terminate()));
  return { recorded: new Recorded(), client };
}

async function openStream(
  { scope, gateway }: Stage,
  { exp = inSeconds(3_600), ...request }: StreamRequest & { readonly exp?: number },
): Promise<StreamClient> {
  const bearer = await signToken({ ...ADA, exp });
  return await StreamClient.open(scope, gateway.port, { bearer, origin: undefined, ...request });
}

async function notify(stage: Stage, recorded: Recorded, payload: string): Promise<void> {
  await recorded.meanwhile(`(${NOTIFY}${payload}}'))`, silentlyNotify(stage, payload));
}

async function silentlyNotify({ gateway }: Stage, payload: string): Promise<void> {
  const text = `{"channel":"${ROOM}","payload":${payload}}`;
  await gateway.query('SELECT pg_notify($1, $2)', [gateway.channel, text]);
}
