import { failures } from '@postern/client/protocol';
import type { Verify } from './auth/verify.ts';
import { parseGiven } from './config/given.ts';
import type { Core } from './core.ts';
import { coreOf } from './core.ts';
import { joinPostgres } from './database-side.ts';
import type { Gateway, GatewayOptions } from './embedding.ts';
import { GatewayError } from './errors.ts';
import { BasePath } from './http/base-path.ts';
import { createClientAddress } from './http/client-ip.ts';
import { createEntrances } from './http/entrances.ts';
import type { Health } from './http/health.ts';
import { createHostCheck } from './http/host.ts';
import type { HandleRequest } from './http/routes.ts';
import { createRoutes } from './http/routes.ts';
import { createStaticFiles } from './http/static.ts';
import { createStreams } from './http/streams.ts';
import { examinationsFor } from './handshakes.ts';
import type { Spend } from './http/credentials.ts';
import { createDoor } from './http/upgrade.ts';
import type { Part } from './lifecycle.ts';
import { Lifecycle } from './lifecycle.ts';
import { bindsLoopback } from './loopback.ts';
import { Envelopes } from './postgres/envelope.ts';
import type { Notifier } from './postgres/notifier.ts';
import type { AdmissionParts, Admit } from './session/admission.ts';
import { createAdmission } from './session/admission.ts';
import { AuthWait } from './session/auth-wait.ts';
import { drain } from './session/drain.ts';
import { ExpiryWheel } from './session/expiry.ts';
import { Flusher } from './session/flusher.ts';
import { Heartbeat } from './session/heartbeat.ts';
import { createMetaChannel } from './session/meta-channel.ts';
import type { Publisher } from './session/publishing.ts';
import { createPublish } from './session/publishing.ts';
import { createRawProtocol } from './session/raw.ts';
import { createSseProtocol } from './session/sse.ts';
import { Turns } from './session/turns.ts';
import { createV1Protocol } from './session/v1.ts';
import { preauthFor, signingKeysFor } from './preauthentication.ts';
import type { Revoking } from './revocation.ts';
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
  let draining = false;
  let leave: () => void;
  const drained = new Promise<void>((resolve) => (leave = resolve));
  const keys = keyRingFor(core.options, core.log, core.meters);
  const side = joinPostgres(core);
  const { database, notifier, feed, lost, spend, isRevoked, stores } = side;
  const { admit, authWait, wheel, heartbeat, sendAway } = joinSessions(core, side);
  const { emptied, detach, ...entrances } = joinHttp(core, {
    admit,
    authWait,
    spend,
    isRevoked,
    basePath: new BasePath(basePath),
    handleRequest,
    verify: verifierFor(core.options, keys),
    health: () => ({ database: feed.up ? 'up' : 'down', draining }),
  });
  measure(core, notifier, { feedUp: () => feed.up, draining: () => draining });
  const lifecycle = lifecycleOf(core, [
    { name: 'database', stop: () => database.stop() },
    { name: 'notifier', stop: () => notifier.stop(FLUSH_MS) },
    { name: 'expiry', start: () => wheel.start(), stop: () => wheel.stop() },
    { name: 'heartbeat', start: () => heartbeat.start(), stop: () => heartbeat.stop() },
    { name: 'keys', start: () => keys.start(), stop: () => keys.stop() },
    { name: 'connections', stop: () => emptied() },
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

/** Starts and stops the parts, in this order and the reverse. */
function lifecycleOf({ options, log }: Core, parts: readonly Part[]): Lifecycle {
  const deadlineMs = options.drainSeconds * 1000 + STOP_MS;
  return new Lifecycle(parts, deadlineMs, (part, error) => log('stop_late', { part, error }));
}

/** What sessions have to do with of the database's side. */
interface SessionSide extends Pick<AdmissionParts, 'attendance'> {
  readonly notifier: Publisher;
}

/** What a visitor is entered into: its protocol, the deadline, the heartbeat. */
function joinSessions(core: Core, { notifier: publisher, attendance }: SessionSide) {
  const { options, log, clock, meters, closeCodeOf } = core;
  const wheel = new ExpiryWheel(clock);
  const heartbeat = new Heartbeat();
  const { metaChannel, metaClose } = options;
  const envelopes = new Envelopes(() => clock.wallMs());
  const meta = createMetaChannel({ publisher, envelopes, metaChannel, metaClose, log });
  const publish = createPublish({ publisher, log, meters });
  const raw = createRawProtocol({ publish, envelopes, meters });
  const parts = { ...core, ...options, wheel, turns: new Turns() };
  const v1 = createV1Protocol({ ...parts, hub: core.hubs.v1, publish, envelopes });
  const sse = createSseProtocol({ ...parts, hub: core.hubs.sse, heartbeat });
  const shared = { ...core, hub: core.hubs.raw, attendance, wheel, heartbeat, meta };
  const protocols = { raw, v1, sse };
  const admit = createAdmission({ ...shared, flusher: new Flusher(), protocols });
  const { messagesPerSecond: perSecond, messageBurst: burst } = options;
  const authWait = new AuthWait({
    clock,
    wheel,
    admit,
    rate: { perSecond, burst },
    closeCodeOf,
    log,
  });
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
  readonly isRevoked: Revoking['isRevoked'];
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
  const examinations = examinationsFor(options, { ...shared, spend });
  const door = createDoor({ ...shared, examine: examinations.examine, admit, authWait });
  const streams = createStreams({ ...shared, ...examinations.streams, admit });
  const { staticRoot } = options;
  const serveFile = staticRoot === undefined ? undefined : createStaticFiles(staticRoot);
  const { answer } = streams;
  const answers = { preauth, streams: answer, handleRequest, serveFile };
  const routes = createRoutes({ health, hostAllowed, ...answers, log });
  return {
    emptied: async () => {
      await Promise.all([door.emptied(), streams.emptied()]);
    },
    ...createEntrances({ basePath, door, routes, log }),
  };
}

/** Where the gauges are read. */
function measure(
  { meters, hubs, history, registry }: Core,
  notifier: Notifier,
  { feedUp, draining }: Readonly<Record<'feedUp' | 'draining', () => boolean>>,
): void {
  meters.gauge('sessions', () => registry.size);
  meters.gauge('channels', () => channelsOf(hubs).size);
  meters.gauge('historyBytes', () => history.bytes);
  meters.gauge('outboxBytes', () =>
    registry.all().reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
  );
  meters.gauge('notifierMessages', () => notifier.unsettledTexts);
  meters.gauge('notifierBytes', () => notifier.unsettledBytes);
  meters.gauge('feedUp', feedUp);
  meters.gauge('draining', draining);
}

/** All that somebody is subscribed to, in whichever protocol. */
function channelsOf(hubs: Core['hubs']): ReadonlySet<string> {
  return new Set(Object.values(hubs).flatMap((hub) => [...hub.channels]));
}
