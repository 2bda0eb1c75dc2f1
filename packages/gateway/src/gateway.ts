import type { AddressInfo } from 'node:net';
import { failures } from '@postern/client/protocol';
import type { ClaimRules } from './auth/claims.ts';
import { loadKeys } from './auth/keys.ts';
import type { VerificationKey } from './auth/keys.ts';
import { createOriginCheck } from './auth/origin.ts';
import type { Verify } from './auth/verify.ts';
import { createVerifier } from './auth/verify.ts';
import type { Options } from './config/options.ts';
import { GatewayError } from './errors.ts';
import { AdminPort } from './http/admin-port.ts';
import type { Health } from './http/health.ts';
import type { HandleRequest } from './http/routes.ts';
import { createRoutes } from './http/routes.ts';
import { HttpServer, PUBLIC_PORT } from './http/server.ts';
import { createStaticFiles } from './http/static.ts';
import { createUpgrade } from './http/upgrade.ts';
import { Hub } from './hub/hub.ts';
import { Registry } from './hub/registry.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Log } from './observe/log.ts';
import { countProblems, createLog } from './observe/log.ts';
import { Meters } from './observe/meters.ts';
import { Database } from './postgres/connect.ts';
import { channelOf, Envelopes } from './postgres/envelope.ts';
import { NotifyFeed } from './postgres/notify-feed.ts';
import { Notifier } from './postgres/notifier.ts';
import type { Admit } from './session/admission.ts';
import { createAdmission } from './session/admission.ts';
import type { Clock } from './session/deadline.ts';
import { systemClock } from './session/deadline.ts';
import { drain } from './session/drain.ts';
import { ExpiryWheel } from './session/expiry.ts';
import { textFrame } from './session/frame.ts';
import { Heartbeat } from './session/heartbeat.ts';
import type { Publisher } from './session/raw.ts';
import { createRawProtocol } from './session/raw.ts';
import type { Session } from './session/session.ts';
import { version } from './version.ts';

/** What the embedding program may add. */
export interface GatewayHooks {
  /** Where events go; default: lines on standard output, as the options say. */
  readonly log?: Log;
  /** Routes of its own, asked before the gateway's. */
  readonly handleRequest?: HandleRequest;
  /** The clocks that tokens are held against; default: the system's. */
  readonly clock?: Clock;
}

/** A gateway between one PostgreSQL database and WebSocket clients. */
export interface Gateway {
  /**
   * Opens the port at once and resolves when clients are let in, which is when notifications arrive.
   * Rejects with a `GatewayError` for what no waiting mends: the port is taken, the password wrong.
   */
  start(): Promise<void>;
  /** Sends clients away, finishes what is under way and closes. Harmless when called again. */
  stop(): Promise<void>;
  /** Rejects when the listener is lost and `onListenerLoss` is `exit`; otherwise stays pending. */
  readonly lost: Promise<never>;
  /** Where it listens; undefined while the port is not open. */
  readonly address: AddressInfo | undefined;
  /** Where the admin port is; undefined while it is not open, or there is none. */
  readonly adminAddress: AddressInfo | undefined;
}

/** How long messages that wait for PostgreSQL may take, at the stop. */
const FLUSH_MS = 5_000;

/** How long each part may take to stop, beside the time that clients are given to leave. */
const STOP_MS = 8_000;

/** Builds the parts of a gateway and joins them. Throws `POSTERN_CONFIG`, `_KEYS` or `_DATABASE`. */
export function createGateway(options: Options, hooks: GatewayHooks = {}): Gateway {
  const core = coreOf(options, hooks);
  let draining = false;
  const { database, notifier, feed, lost } = joinPostgres(core);
  const { admit, wheel, heartbeat } = joinSessions(core, notifier);
  const server = joinHttp(core, {
    admit,
    handleRequest: hooks.handleRequest,
    health: () => ({ database: feed.up ? 'up' : 'down', draining }),
  });
  const admin = joinAdmin(core);
  measure(core, notifier, { feedUp: () => feed.up, draining: () => draining });
  const lifecycle = new Lifecycle(
    [
      ...(admin === undefined
        ? []
        : [{ name: 'admin', start: () => admin.start(), stop: () => admin.stop() }]),
      { name: 'database', stop: () => database.stop() },
      { name: 'notifier', stop: () => notifier.stop(FLUSH_MS) },
      { name: 'expiry', start: () => wheel.start(), stop: () => wheel.stop() },
      { name: 'heartbeat', start: () => heartbeat.start(), stop: () => heartbeat.stop() },
      { name: 'server', start: () => server.start(), stop: () => server.stop() },
      { name: 'feed', start: () => feed.start(), stop: () => feed.stop() },
      { name: 'sessions', stop: () => drain(core.registry, options.drainSeconds) },
    ],
    options.drainSeconds * 1000 + STOP_MS,
    (part, error) => core.log('stop_late', { part, error }),
  );

  return {
    lost,
    get address() {
      return server.address;
    },
    get adminAddress() {
      return admin?.address;
    },
    start: async () => {
      await lifecycle.start();
      if (!draining) core.log('ready');
    },
    stop: async () => {
      const first = !draining;
      if (first) core.log('draining', { sessions: core.registry.size });
      draining = true;
      await lifecycle.stop();
      if (first) core.log('stopped');
    },
  };
}

/** What all the parts share. */
interface Core {
  readonly options: Options;
  readonly log: Log;
  readonly clock: Clock;
  readonly hub: Hub;
  readonly registry: Registry<Session>;
  readonly meters: Meters;
}

function coreOf(options: Options, hooks: GatewayHooks): Core {
  const log = hooks.log ?? createLog({ level: options.logLevel, format: options.logFormat });
  const meters = new Meters({ version: version(), node: process.version });
  const deliveries = meters.counter('deliveries');
  const deliveredBytes = meters.counter('deliveredBytes');
  const hub = new Hub((subscribers, bytes) => {
    deliveries.add(subscribers);
    deliveredBytes.add(subscribers * bytes);
  });
  return {
    options,
    log: countProblems(log, meters),
    clock: hooks.clock ?? systemClock,
    hub,
    registry: new Registry(),
    meters,
  };
}

/** The feed into the hub, and the notifier out to PostgreSQL. */
function joinPostgres({ options, log, hub, registry, meters }: Core) {
  const { databaseUrl, databaseChannel: channel } = options;
  if (databaseUrl === undefined)
    throw new GatewayError('POSTERN_CONFIG', { detail: 'POSTERN_DATABASE_URL is not set' });

  const database = new Database({ url: databaseUrl.reveal(), poolSize: options.poolSize, log });
  const notifier = new Notifier({
    database,
    channel,
    log,
    onCommit: (texts, seconds) => {
      meters.histogram('batchMessages').observe(texts);
      meters.histogram('commitSeconds').observe(seconds);
    },
  });
  let broken = false;
  let lose: (error: GatewayError) => void;
  const lost = new Promise<never>((_resolve, reject) => (lose = reject));
  // It need not be waited for by everybody who embeds a gateway.
  lost.catch(() => undefined);

  const {
    connectRetries: retries,
    listenerCheckSeconds: checkSeconds,
    onListenerLoss: onLoss,
  } = options;
  const notifications = meters.counter('notificationsReceived');
  const onProof = (seconds: number): void =>
    meters.histogram('feedRoundTripSeconds').observe(seconds);
  const feed = new NotifyFeed(
    { database, channel, checkSeconds, retries, onLoss, log, onProof },
    {
      notified: (text) => {
        notifications.add();
        hub.broadcast(channelOf(text, channel), () => textFrame(text));
      },
      down: () => {
        broken = true;
        notifier.hold();
      },
      up: () => {
        notifier.release();
        if (broken && options.rawGap === 'close')
          for (const session of registry.all()) session.end(failures.restart);
        broken = false;
      },
      lost: (error) => lose(error),
    },
  );
  return { database, notifier, feed, lost };
}

/** What a visitor is entered into: the protocol, the deadline, the heartbeat. */
function joinSessions(core: Core, publisher: Publisher) {
  const { options, log, clock, meters } = core;
  const wheel = new ExpiryWheel(clock);
  const heartbeat = new Heartbeat();
  const { metaChannel, metaClose } = options;
  const envelopes = new Envelopes(() => clock.wallMs());
  const protocol = createRawProtocol({
    publisher,
    envelopes,
    metaChannel,
    metaClose,
    log,
    meters,
  });
  const admit = createAdmission({ ...core, wheel, heartbeat, protocol });
  return { admit, wheel, heartbeat };
}

interface Joints {
  readonly admit: Admit;
  readonly handleRequest: HandleRequest | undefined;
  readonly health: () => Health;
}

/** The port: handshakes, and whatever is no handshake. */
function joinHttp(
  { options, log, clock, meters }: Core,
  { admit, handleRequest, health }: Joints,
): HttpServer {
  const onUpgrade = createUpgrade({
    health,
    originAllowed: createOriginCheck(options.allowedOrigins),
    verify: verifierFor(options),
    now: () => clock.wallMs() / 1000,
    admit,
    options,
    log,
    meters,
  });
  const { staticRoot } = options;
  const serveFile = staticRoot === undefined ? undefined : createStaticFiles(staticRoot);
  const onRequest = createRoutes({ health, handleRequest, serveFile, log });
  return new HttpServer({ ...options, onRequest, onUpgrade, log, names: PUBLIC_PORT });
}

/** Where the gauges are read. */
function measure(
  { meters, hub, registry }: Core,
  notifier: Notifier,
  { feedUp, draining }: Readonly<Record<'feedUp' | 'draining', () => boolean>>,
): void {
  meters.gauge('sessions', () => registry.size);
  meters.gauge('channels', () => hub.size);
  meters.gauge('outboxBytes', () =>
    registry.all().reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
  );
  meters.gauge('notifierMessages', () => notifier.unsettledTexts);
  meters.gauge('notifierBytes', () => notifier.unsettledBytes);
  meters.gauge('feedUp', feedUp);
  meters.gauge('draining', draining);
}

/** The port for operators, if there is to be one. */
function joinAdmin({ options, log, meters }: Core): AdminPort | undefined {
  const { adminHost: host, adminPort: port, adminToken } = options;
  if (port === 'off') return undefined;
  return new AdminPort({ host, port, token: adminToken?.reveal(), meters, log });
}

/** What verifies tokens as the options say. Throws `POSTERN_KEYS`. */
export function verifierFor(options: Options): Verify {
  return createVerifier({ keys: keysFor(options), ...claimRulesFor(options) });
}

/** The keys that the options name. Throws `POSTERN_KEYS`. */
export function keysFor({ jwtSecret, jwtSecretBase64, jwks }: Options): readonly VerificationKey[] {
  return loadKeys({ jwtSecret: jwtSecret?.reveal(), jwtSecretBase64, jwks: jwks?.reveal() });
}

/** What the options ask of claims. */
export function claimRulesFor(options: Options): ClaimRules {
  return {
    audiences: options.jwtAudience,
    issuers: options.jwtIssuer,
    types: options.jwtType,
    requireExp: options.requireExp,
    requireClaims: options.requireClaims,
    expLeewaySeconds: options.expLeeway,
    clockLeewaySeconds: options.clockLeeway,
  };
}
