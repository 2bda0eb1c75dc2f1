import { failures } from '@postern/client/protocol';
import type { Verify } from './auth/verify.ts';
import { parseGiven } from './config/given.ts';
import type { Options } from './config/options.ts';
import type { Gateway, GatewayOptions } from './embedding.ts';
import { GatewayError } from './errors.ts';
import type { Authenticate } from './http/authenticate.ts';
import type { Authorize } from './http/authorize.ts';
import { BasePath } from './http/base-path.ts';
import { createClientAddress } from './http/client-ip.ts';
import { createEntrances } from './http/entrances.ts';
import type { Health } from './http/health.ts';
import { createHostCheck } from './http/host.ts';
import type { HandleRequest } from './http/routes.ts';
import { createRoutes } from './http/routes.ts';
import { createStaticFiles } from './http/static.ts';
import { examinationFor, replayStoreFor } from './handshakes.ts';
import type { Spend } from './http/examine-ws.ts';
import { createDoor } from './http/upgrade.ts';
import { Hub } from './hub/hub.ts';
import { Registry } from './hub/registry.ts';
import type { Part } from './lifecycle.ts';
import { Lifecycle } from './lifecycle.ts';
import { bindsLoopback } from './loopback.ts';
import type { Log } from './observe/log.ts';
import { countProblems, createLog } from './observe/log.ts';
import { Meters } from './observe/meters.ts';
import { Database } from './postgres/connect.ts';
import { channelOf, Envelopes } from './postgres/envelope.ts';
import { NotifyFeed } from './postgres/notify-feed.ts';
import { Notifier } from './postgres/notifier.ts';
import { SchemaKeeper } from './postgres/schema-keeper.ts';
import type { Admit } from './session/admission.ts';
import { createAdmission } from './session/admission.ts';
import type { OnSession } from './session/announce.ts';
import { AuthWait } from './session/auth-wait.ts';
import type { Clock } from './session/deadline.ts';
import { systemClock } from './session/deadline.ts';
import { drain } from './session/drain.ts';
import { ExpiryWheel } from './session/expiry.ts';
import { textFrame } from './session/frame.ts';
import { Heartbeat } from './session/heartbeat.ts';
import type { Publisher } from './session/raw.ts';
import { createRawProtocol } from './session/raw.ts';
import type { Session } from './session/session.ts';
import { createV1Protocol } from './session/v1.ts';
import { preauthFor, signingKeysFor } from './preauthentication.ts';
import { version } from './version.ts';
import { keyRingFor, keySourcesIn, verifierFor } from './verification.ts';

/** How long messages that wait for PostgreSQL may take, at the stop. */
const FLUSH_MS = 5_000;

/** How long each part may take to stop, beside the time that clients are given to leave. */
const STOP_MS = 8_000;

/** Where a gateway is on a server that it shares, when its program does not say. */
const USUAL_BASE_PATH = '/postern';

/** Builds the parts of a gateway and joins them. Throws `POSTERN_CONFIG`, `_KEYS` or `_DATABASE`. */
export function createGateway(given: GatewayOptions): Gateway {
  const { basePath = USUAL_BASE_PATH, handleRequest, ...rest } = given;
  const core = coreOf(rest);
  const { options } = core;
  let draining = false;
  let leave: () => void;
  const drained = new Promise<void>((resolve) => (leave = resolve));
  const keys = keyRingFor(options, core.log, core.meters);
  const { database, notifier, feed, lost, spend, stores } = joinPostgres(core);
  const { admit, authWait, wheel, heartbeat, sendAway } = joinSessions(core, notifier);
  const { door, detach, ...entrances } = joinHttp(core, {
    admit,
    authWait,
    spend,
    basePath: new BasePath(basePath),
    handleRequest,
    verify: verifierFor(options, keys),
    health: () => ({ database: feed.up ? 'up' : 'down', draining }),
  });
  measure(core, notifier, { feedUp: () => feed.up, draining: () => draining });
  const lifecycle = lifecycleOf(core, [
    { name: 'database', stop: () => database.stop() },
    { name: 'notifier', stop: () => notifier.stop(FLUSH_MS) },
    { name: 'expiry', start: () => wheel.start(), stop: () => wheel.stop() },
    { name: 'heartbeat', start: () => heartbeat.start(), stop: () => heartbeat.stop() },
    { name: 'keys', start: () => keys.start(), stop: () => keys.stop() },
    { name: 'connections', stop: () => door.emptied() },
    { name: 'feed', start: () => feed.start(), stop: () => feed.stop() },
    ...stores,
    { name: 'clients', stop: () => sendAway().then(leave) },
  ]);
  let starting: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    await lifecycle.start();
    if (!draining) core.log('ready');
  };

  return {
    ...entrances,
    drained,
    lost,
    meters: core.meters,
    replaceKeys: ({ jwtSecret, jwtSecretBase64, jwks }) =>
      keys.replace(keySourcesIn(parseGiven({ jwtSecret, jwtSecretBase64, jwks }))),
    start: async () => {
      if (draining) throw new GatewayError('POSTERN_STOPPED');
      await (starting ??= start());
    },
    stop: async () => {
      const first = !draining;
      if (first) core.log('draining', { sessions: core.registry.size });
      draining = true;
      await lifecycle.stop();
      detach();
      leave();
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
  readonly authenticate: Authenticate | undefined;
  readonly authorize: Authorize | undefined;
  readonly development: boolean;
  readonly onSession: OnSession | undefined;
}

type CoreOptions = Omit<GatewayOptions, 'basePath' | 'handleRequest'>;

function coreOf({ log: given, clock, ...program }: CoreOptions): Core {
  const { authenticate, authorize, development = false, onSession, ...rest } = program;
  const options = parseGiven(rest);
  const log = given ?? createLog({ level: options.logLevel, format: options.logFormat });
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
    clock: clock ?? systemClock,
    hub,
    registry: new Registry(),
    meters,
    authenticate,
    authorize,
    development,
    onSession,
  };
}

/** Starts and stops the parts, in this order and the reverse. */
function lifecycleOf({ options, log }: Core, parts: readonly Part[]): Lifecycle {
  const deadlineMs = options.drainSeconds * 1000 + STOP_MS;
  return new Lifecycle(parts, deadlineMs, (part, error) => log('stop_late', { part, error }));
}

/** The feed into the hub, and the notifier out to PostgreSQL. */
function joinPostgres(core: Core) {
  const { options, log, hub, registry, meters } = core;
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
          for (const session of registry.all())
            if (session.protocol === 'raw') session.end(failures.restart);
        broken = false;
      },
      lost: (error) => lose(error),
    },
  );
  const schema = new SchemaKeeper({ database, enabled: options.migrate, log });
  const replays = replayStoreFor(options, { ...core, database });
  const stores: readonly Part[] = [
    { name: 'schema', start: () => schema.start(), stop: () => schema.stop() },
    { name: 'replays', start: () => replays.start(), stop: () => replays.stop() },
  ];
  const spend: Spend = (ticket) => replays.spend(ticket);
  return { database, notifier, feed, lost, spend, stores };
}

/** What a visitor is entered into: its protocol, the deadline, the heartbeat. */
function joinSessions(core: Core, publisher: Publisher) {
  const { options, log, clock, meters } = core;
  const wheel = new ExpiryWheel(clock);
  const heartbeat = new Heartbeat();
  const { metaChannel, metaClose } = options;
  const envelopes = new Envelopes(() => clock.wallMs());
  const raw = createRawProtocol({ publisher, envelopes, metaChannel, metaClose, log, meters });
  const v1 = createV1Protocol({ clock, meters, maxMessageBytes: options.maxMessageBytes });
  const admit = createAdmission({ ...core, wheel, heartbeat, protocols: { raw, v1 } });
  const { messagesPerSecond: perSecond, messageBurst: burst } = options;
  const authWait = new AuthWait({ clock, wheel, admit, rate: { perSecond, burst }, log });
  const sendAway = async (): Promise<void> => {
    authWait.endAll(failures.goingAway);
    await drain(core.registry, options.drainSeconds);
  };
  return { admit, authWait, wheel, heartbeat, sendAway };
}

interface Joints {
  readonly admit: Admit;
  readonly authWait: AuthWait;
  readonly spend: Spend;
  readonly basePath: BasePath;
  readonly verify: Verify;
  readonly handleRequest: HandleRequest | undefined;
  readonly health: () => Health;
}

/** The ways in from the servers of the program: for handshakes, and for what is none. */
function joinHttp(core: Core, { admit, authWait, spend, handleRequest, ...joints }: Joints) {
  const { options, log } = core;
  const { basePath, health } = joints;
  const hostAllowed = createHostCheck({
    allowed: options.allowedHosts,
    publicUrl: options.publicUrl,
    // A program that shares a server of its own says nothing about it here: then it is unknown.
    loopbackOnly: bindsLoopback(options.host),
  });
  const clientAddress = createClientAddress({ trustedProxies: options.trustedProxies, log });
  const shared = { ...core, ...joints, hostAllowed, clientAddress, keys: signingKeysFor(options) };
  const preauth = preauthFor(options, shared);
  const examine = examinationFor(options, { ...shared, spend });
  const door = createDoor({ ...shared, examine, admit, authWait });
  const { staticRoot } = options;
  const serveFile = staticRoot === undefined ? undefined : createStaticFiles(staticRoot);
  const routes = createRoutes({ health, hostAllowed, preauth, handleRequest, serveFile, log });
  return { door, ...createEntrances({ basePath, door, routes, log }) };
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
