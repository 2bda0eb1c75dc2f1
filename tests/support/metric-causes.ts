import type { metrics } from '#gateway/observe/metrics.js';

import { handshake } from './exchange.ts';
import { killListener } from './failure-causes.ts';
import type { TestGatewayOptions } from './gateway.ts';
import type { MeteredGateway } from './metered.ts';
import type { Scope } from './postgres.ts';
import { preauth, PREAUTH_ENVIRONMENT, SITE_CLAIMS } from './preauth.ts';
import { enterByBearer, show } from './refreshing.ts';
import { enter } from './rogue.ts';
import { inSeconds, signToken } from './tokens.ts';
import { until } from './wait.ts';
import { said } from './way-in.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(3_600) } as const;

/** What makes a metric change: done to a gateway of its own. */
export interface MetricCause {
  readonly options?: TestGatewayOptions;
  readonly act: (gateway: MeteredGateway, scope: Scope) => Promise<unknown>;
}

const enterOne: MetricCause = { act: (gateway) => gateway.client(CHAT) };

const sendOne: MetricCause = {
  act: async (gateway) => {
    const client = await gateway.client(CHAT);
    client.send('hello');
    await client.message();
  },
};

const loseFeed: MetricCause = {
  options: { environment: { POSTERN_ON_LISTENER_LOSS: 'exit' } },
  act: async ({ query, logged }) => {
    await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%' AND application_name = 'postern'`);
    await logged('listener_lost');
  },
};

/** Causes each row of the table. A new row is missing here until it is caused. */
export const metricCauses = {
  handshakesAccepted: enterOne,
  handshakesRefused: { act: ({ port }) => handshake(port, { target: '/no/token' }) },
  preauthsGranted: {
    options: { environment: PREAUTH_ENVIRONMENT },
    act: ({ port }) => preauth(port),
  },
  preauthsRefused: { act: ({ port }) => preauth(port) },
  refreshesRefused: {
    act: async ({ port }) => show((await enterByBearer(port, {})).client, 'no token'),
  },
  sessionsRefreshed: {
    act: async ({ port }) => {
      const { client } = await enterByBearer(port, {});
      await show(client, await signToken({ ...SITE_CLAIMS, exp: inSeconds(7_200) }));
    },
  },
  sessions: enterOne,
  sessionsEnded: { act: async ({ client }) => (await client(CHAT)).close() },
  channels: enterOne,
  subscriptionsResumed: {
    act: async ({ port }) => {
      const { client } = await enterByBearer(port, {});
      client.send('{"type":"subscribe","id":1,"channel":"chat","from":"nowhere"}');
      await said(client);
    },
  },
  historyBytes: sendOne,
  gapsTold: {
    act: async ({ query, logged }) => {
      await killListener(query);
      await logged('listener_restored');
    },
  },
  messagesReceived: sendOne,
  messageBytesReceived: sendOne,
  messagesIgnored: {
    act: async ({ client }) => (await client({ ...CHAT, mode: 'r' })).send('not mine to say'),
  },
  messagesPublished: sendOne,
  batchMessages: sendOne,
  commitSeconds: sendOne,
  notificationsReceived: sendOne,
  heldBytes: {
    act: async ({ query, channel }) => {
      const slow = query(`DO $$ BEGIN
        LOCK TABLE postern.payload IN ACCESS EXCLUSIVE MODE; PERFORM pg_sleep(3); END $$`);
      // The database may be dropped before that is over.
      slow.catch(() => undefined);
      await until('the lock', async () => {
        const held = await query(`SELECT 1 FROM pg_locks
          WHERE relation = 'postern.payload'::regclass AND mode = 'AccessExclusiveLock' AND granted`);
        return held.length > 0;
      });
      const id = '0b8f4c1e-7d5a-4f2e-9c39-3f0f8f2f5b11';
      await query(`SELECT pg_notify('postern.private', $1)`, [
        JSON.stringify({ id, channel: 'chat', databaseChannel: channel }),
      ]);
    },
  },
  deliveries: sendOne,
  deliveredBytes: sendOne,
  outboxBytes: {
    options: { environment: { POSTERN_QUEUE_BYTES: '0' } },
    act: async ({ port, query, channel }, scope) => {
      (await enter(scope, port, CHAT)).pause();
      await query(
        `SELECT pg_notify($1, '{"channel":"chat","n":' || n || ',"x":"' || repeat('x', 7000) || '"}')
        FROM generate_series(1, 3000) n`,
        [channel],
      );
    },
  },
  jwksFetches: {
    // Nobody listens there. It is tried again within a second.
    options: { environment: { POSTERN_JWKS: 'https://127.0.0.1:1/keys' } },
    act: () => Promise.resolve(),
  },
  feedUp: loseFeed,
  feedRoundTripSeconds: {
    options: { environment: { POSTERN_LISTENER_CHECK_SECONDS: '0.1' } },
    act: () => Promise.resolve(),
  },
  presenceKept: {
    act: async ({ client, query }) => {
      await query('ALTER SCHEMA postern RENAME TO elsewhere');
      await client(CHAT);
    },
  },
  draining: {
    options: { environment: { POSTERN_DRAIN_SECONDS: '2' } },
    act: async ({ client, gateway }) => {
      await Promise.all(Array.from({ length: 400 }, () => client(CHAT)));
      void gateway.stop();
    },
  },
  problems: loseFeed,
} as const satisfies Partial<Record<keyof typeof metrics, MetricCause>>;
