import { eventStream } from '@postern/client/sse';
import { WebSocket } from 'ws';

import { ownServer } from '../support/own-server.ts';
import type { OwnServer } from '../support/own-server.ts';
import type { Scope } from '../support/postgres.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { serve } from '../support/served.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import type { Span } from './account.ts';
import { openBooks } from './books.ts';
import { ClientPublisher } from './client-publisher.ts';
import { ClientStay } from './client-stay.ts';
import { Flood } from './flood.ts';
import { Gateways } from './gateways.ts';
import { random } from './random.ts';
import type { Random } from './random.ts';
import type { Stay } from './reader.ts';
import { SqlPublisher } from './sql-publisher.ts';
import { SseReader } from './sse-reader.ts';
import { Subscriber } from './subscriber.ts';
import { V1Publisher } from './v1-publisher.ts';
import { V1Reader } from './v1-reader.ts';
import { Visits } from './visits.ts';

/** How much there is of everything. */
export interface SceneOptions {
  readonly seed: number;
  /** Messages by SQL, in all. */
  readonly perSecond: number;
  /** With more than one, every subscriber comes back to any of them. */
  readonly gateways: number;
  /** Of the gateways, beside what the scene needs. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A subscriber, and the cables that it is connected by: one to each gateway, or none. */
export interface Guest {
  readonly subscriber: Subscriber;
  readonly proxies: readonly TcpProxy[];
}

/** Everybody who takes part, and what they have in common. */
export interface Scene {
  readonly server: OwnServer;
  readonly gateways: Gateways;
  readonly guests: readonly Guest[];
  /** The guests that stop reading. They alone have the channel of the flood. */
  readonly slow: readonly Subscriber[];
  readonly flood: Flood;
  readonly sqlPublishers: readonly SqlPublisher[];
  /** Who publishes with keys, by `postern.v1` and by `@postern/client`. */
  readonly keyedPublishers: readonly (V1Publisher | ClientPublisher)[];
  readonly random: Random;
  /** When something was broken, so far. */
  readonly breaks: Span[];
}

const CHANNELS = ['a', 'b', 'c', 'd'] as const;
const FLOOD_CHANNEL = 'flood';
const SQL_PUBLISHERS = [
  { name: 'sql-1', way: 'notify' },
  { name: 'sql-2', way: 'publish' },
] as const;
/** Each of those who publish with keys. */
const KEYED_PER_SECOND = 50;

/**
 * Who subscribes to what, and how: by which word of `postern.v1`, as server-sent events, or by `@postern/client` in which
 * manner, `-leaving` now and then to come back, or with a `stream` of events in the place of its sockets.
 */
const GUESTS = [
  { name: 'direct-1', channels: ['a', 'b', 'c', 'd'], speaks: 'gap', way: 'direct' },
  { name: 'direct-2', channels: ['a', 'c'], speaks: 'ok', way: 'direct' },
  { name: 'proxied-1', channels: ['b', 'd'], speaks: 'gap', way: 'proxied' },
  { name: 'proxied-2', channels: ['a', 'b', 'c', 'd'], speaks: 'ok', way: 'proxied' },
  { name: 'stream-1', channels: ['a', 'b', 'c', 'd'], speaks: 'sse', way: 'direct' },
  { name: 'stream-2', channels: ['b', 'c'], speaks: 'sse', way: 'proxied' },
  { name: 'slow', channels: ['d', FLOOD_CHANNEL], speaks: 'gap', way: 'direct' },
  { name: 'client-1', channels: ['a', 'b', 'c', 'd'], speaks: 'listener', way: 'direct' },
  { name: 'client-2', channels: ['a', 'c'], speaks: 'iteration-leaving', way: 'direct' },
  { name: 'client-3', channels: ['b', 'd'], speaks: 'listener-leaving', way: 'proxied' },
  { name: 'client-4', channels: ['a', 'b', 'c', 'd'], speaks: 'iteration', way: 'proxied' },
  { name: 'client-stream', channels: ['b', 'c'], speaks: 'stream', way: 'proxied' },
  { name: 'client-slow', channels: ['d', FLOOD_CHANNEL], speaks: 'listener', way: 'direct' },
] as const;

/** Small, so that whoever stops reading is soon found to. */
const QUEUE_BYTES = 262_144;

/** Of a channel that is left, to be followed again where it was. */
const MOST_BEFORE_LEAVING = 200;
const LONGEST_PAUSE_MS = 50;

/** Sets the scene: the subscribers are subscribed, and nobody publishes yet. All ends with the scope. */
export async function setScene(scope: Scope, options: SceneOptions): Promise<Scene> {
  const server = await ownServer(scope, { settings: { synchronous_commit: 'on' } });
  await openBooks(server.query);
  const gateways = new Gateways((port) =>
    serve(scope, {
      url: server.url,
      channel: server.channel,
      environment: {
        POSTERN_LOG_LEVEL: 'info',
        POSTERN_QUEUE_BYTES: String(QUEUE_BYTES),
        ...options.environment,
        POSTERN_PORT: port,
      },
    }),
  );
  for (let n = 0; n < options.gateways; n += 1) await gateways.add();

  const drawn = random(options.seed);
  const token = await signToken({
    ...SITE_CLAIMS,
    channels: [...CHANNELS, FLOOD_CHANNEL],
    mode: 'rw',
  });
  const guests = await invite(scope, { gateways, drawn, token });
  const slow = guests
    .map(({ subscriber }) => subscriber)
    .filter(({ account }) => account.channels.includes(FLOOD_CHANNEL));
  const { query, url, channel: databaseChannel } = server;
  const flood = new Flood('flood', { query, databaseChannel, channel: FLOOD_CHANNEL });
  const perSecond = options.perSecond / SQL_PUBLISHERS.length;
  const sqlPublishers = SQL_PUBLISHERS.map(
    (one) => new SqlPublisher({ ...one, url, databaseChannel, channels: CHANNELS, perSecond }),
  );
  const keyed = {
    channels: CHANNELS,
    token,
    // Always the same: after an unknown outcome nobody puts two gateways in order.
    port: () => gateways.ports[0] ?? 0,
    perSecond: KEYED_PER_SECOND,
  };
  const keyedPublishers = [
    new V1Publisher({ ...keyed, name: 'v1' }),
    new ClientPublisher({ ...keyed, name: 'client' }),
  ];
  scope.after(async () => {
    await Promise.all([...sqlPublishers, ...keyedPublishers].map((publisher) => publisher.stop()));
  });
  return {
    server,
    gateways,
    guests,
    slow,
    flood,
    sqlPublishers,
    keyedPublishers,
    random: drawn,
    breaks: [],
  };
}

/** Subscribes everybody. */
async function invite(
  scope: Scope,
  { gateways, drawn, token }: { gateways: Gateways; drawn: Random; token: string },
): Promise<readonly Guest[]> {
  const guests = await Promise.all(
    GUESTS.map(async ({ name, channels, way, speaks }): Promise<Guest> => {
      const proxies =
        way === 'direct'
          ? []
          : await Promise.all(gateways.ports.map((port) => tcpProxy(scope, { port })));
      const ports = proxies.length === 0 ? gateways.ports : proxies.map(({ port }) => port);
      const place = {
        channels,
        token,
        port: () => drawn.pick(ports),
        // Mostly at once; now and then so late that there is much to make up for.
        awayMs: () => (drawn.next() < 0.15 ? drawn.between(300, 1_500) : drawn.between(0, 100)),
      };
      const stay = stayOf(speaks, place, drawn);
      const subscriber = new Subscriber({ name, channels, stay });
      scope.after(() => subscriber.stop());
      subscriber.start();
      return { subscriber, proxies };
    }),
  );
  await until('all subscribers', () => guests.every(({ subscriber }) => subscriber.isSubscribed));
  return guests;
}

/** What every way to subscribe is told. */
interface Place {
  readonly channels: readonly string[];
  readonly token: string;
  readonly port: () => number;
  readonly awayMs: () => number;
}

function stayOf(speaks: (typeof GUESTS)[number]['speaks'], place: Place, drawn: Random): Stay {
  if (speaks === 'sse') return new Visits({ ...place, reader: new SseReader(place) });
  if (speaks === 'gap' || speaks === 'ok')
    return new Visits({ ...place, reader: new V1Reader({ ...place, trust: speaks }) });

  const manner = speaks.startsWith('iteration') ? 'iteration' : 'listener';
  const isLeaving = speaks.endsWith('-leaving');
  return new ClientStay({
    ...place,
    manner,
    Socket: speaks === 'stream' ? eventStream() : WebSocket,
    messages: () => (isLeaving ? drawn.between(1, MOST_BEFORE_LEAVING) : Infinity),
    pauseMs: () => (drawn.next() < 0.5 ? 0 : drawn.between(1, LONGEST_PAUSE_MS)),
  });
}
