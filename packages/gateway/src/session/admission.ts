import { randomUUID } from 'node:crypto';
import type { Grant } from '../auth/grant.ts';
import type { Hub } from '../hub/hub.ts';
import type { Registry } from '../hub/registry.ts';
import { auditMark, userOf } from '../observe/audit.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { createAnnouncement } from './announce.ts';
import type { OnSession } from './announce.ts';
import type { Attendance } from './attendance.ts';
import type { CloseCodeOf } from './close-codes.ts';
import type { Clock, Deadline } from './deadline.ts';
import { deadlineAt, NEVER } from './deadline.ts';
import type { ExpiryWheel } from './expiry.ts';
import type { Flusher } from './flusher.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { MetaChannel } from './meta-channel.ts';
import type { Protocol } from './protocol.ts';
import type { Refresh } from './refresh.ts';
import type { Close, SessionOptions, Socket } from './session.ts';
import { Session } from './session.ts';
import type { SseGrant } from './sse.ts';
import type { Shown, StandingRules } from './standing.ts';
import { outlasts, standingOf } from './standing.ts';
import type { V1Grant } from './v1.ts';

/** Somebody who may enter: who it is, and what is allowed here. */
interface Arrival<Granted> extends Shown<Granted> {
  /** Where it comes from, for the log. */
  readonly address: string | undefined;
}

/** Somebody who speaks the raw protocol. */
export interface RawVisitor extends Arrival<Grant> {
  readonly protocol: 'raw';
}

/** Somebody who speaks `postern.v1`. */
export interface V1Visitor extends Arrival<V1Grant> {
  readonly protocol: 'v1';
  /** Decides later about further tokens. */
  readonly refresh: Refresh;
}

/** Somebody who reads a stream of server-sent events. */
export interface SseVisitor extends Arrival<SseGrant> {
  readonly protocol: 'sse';
  /** What came after this cursor is wanted, too. As the client said it. */
  readonly from: string | undefined;
}

/** Somebody who may enter. */
export type Visitor = RawVisitor | V1Visitor | SseVisitor;

/** Turns an upgraded connection into a session and enters it everywhere. */
export type Admit = (socket: Socket, visitor: Visitor) => Session;

/** The parts that a session is entered into. */
export interface AdmissionParts {
  readonly clock: Clock;
  readonly closeCodeOf: CloseCodeOf;
  readonly hub: Hub;
  readonly registry: Registry<Session>;
  readonly attendance: Pick<Attendance, 'add' | 'changed' | 'remove'>;
  readonly wheel: ExpiryWheel;
  readonly heartbeat: Heartbeat;
  readonly flusher: Pick<Flusher, 'add' | 'none'>;
  readonly protocols: {
    readonly raw: Protocol<RawVisitor>;
    readonly v1: Protocol<V1Visitor>;
    readonly sse: Protocol<SseVisitor>;
  };
  readonly meta: MetaChannel;
  /** Told of each session; undefined: nobody is. */
  readonly onSession: OnSession | undefined;
  readonly log: Log;
  readonly meters: Meters;
  readonly options: {
    /** Seconds that a token counts beyond its `exp`. */
    readonly expLeeway: number;
    /** Seconds after which a connection ends; 0: never. */
    readonly maxConnectionAge: number;
    /** Most bytes that may wait for a client; 0: no limit. */
    readonly queueBytes: number;
    /** Frames that a client may send each second; 0: no limit. */
    readonly messagesPerSecond: number;
    /** Frames that it may send at once. */
    readonly messageBurst: number;
  };
}

/**
 * So many times the rate may come of a protocol that can say so, before the session is ended: who goes on
 * in spite of the answers does not read them.
 */
const EXCESS = 10;

/** Builds what admits visitors. Whatever is entered here is undone in one place, at the end. */
export function createAdmission(parts: AdmissionParts): Admit {
  const { raw, v1, sse } = parts.protocols;
  const shared = {
    raw: sharedBy(raw, parts),
    v1: sharedBy(v1, parts),
    sse: sharedBy(sse, parts),
  };
  const accepted = parts.meters.counter('handshakesAccepted');

  return (socket, visitor) => {
    accepted.add();
    switch (visitor.protocol) {
      case 'raw':
        return enter({ socket, visitor, protocol: raw, shared: shared.raw }, parts);
      case 'v1':
        return enter({ socket, visitor, protocol: v1, shared: shared.v1 }, parts);
      case 'sse':
        return enter({ socket, visitor, protocol: sse, shared: shared.sse }, parts);
    }
  };
}

/** A visitor, and what it speaks. */
interface Entering<Arriving extends Visitor> {
  readonly socket: Socket;
  readonly visitor: Arriving;
  readonly protocol: Protocol<Arriving>;
  readonly shared: Shared;
}

/** What all sessions of a protocol have in common. */
type Shared = Pick<
  SessionOptions<unknown>,
  'clock' | 'closeCodeOf' | 'flusher' | 'queueBytes' | 'rate' | 'excessRate'
>;

function enter<Arriving extends Visitor>(
  { socket, visitor, protocol, shared }: Entering<Arriving>,
  parts: AdmissionParts,
): Session<Arriving['grant']> {
  const { clock, hub, registry, wheel, heartbeat, attendance, meta, log, meters, options } = parts;
  const { claims, grant, address } = visitor;
  const admittedMs = clock.monotonicMs();
  const id = randomUUID();
  const channels = protocol.channels(grant);
  const announcement = createAnnouncement(parts.onSession, log);
  const who = { session: id, address, user: userOf(claims) };
  const rules = { clock, ageEnd: ageEndOf(options, clock), expLeeway: options.expLeeway };
  const session: Session<Arriving['grant']> = new Session({
    id,
    protocol: visitor.protocol,
    socket,
    ...standingOf<Arriving['grant']>(visitor, rules),
    ...shared,
    onMessage: (data, kind, pace) => conversation.receive(data, kind, pace),
    onDrain: () => conversation.drained(),
    onEnd: leave,
  });
  const conversation = protocol.converse({
    session,
    visitor,
    renew: renewalOf(session, rules, parts),
  });

  registry.add(session);
  heartbeat.add(session, protocol.beatSeconds);
  attendance.add(session, address);
  wheel.add(session);
  for (const channel of protocol.readable(grant)) hub.subscribe(channel, session);
  log('session_started', { ...who, protocol: visitor.protocol, channels: channels.length });
  meta.opened(session, channels);
  conversation.opened();
  announcement.opened(session, channels);
  return session;

  function leave(close: Close): void {
    for (const channel of protocol.readable(session.grant)) hub.unsubscribe(channel, session);
    wheel.remove(session);
    attendance.remove(session);
    heartbeat.remove(session);
    registry.remove(session);
    const { by, code, failure } = close;
    meters.counter('sessionsEnded', { by, failure }).add();
    const seconds = Math.round((clock.monotonicMs() - admittedMs) / 1000);
    const mark = by === 'gateway' ? auditMark(failure) : {};
    log('session_ended', { ...mark, ...who, failure, code, by, seconds, ignored: session.ignored });
    meta.closed(session, protocol.channels(session.grant), code);
    conversation.closed(close);
    announcement.closed(close);
  }
}

/** What has a session go on by what its client has shown since. */
function renewalOf<Granted>(
  session: Session<Granted>,
  rules: StandingRules,
  { wheel, attendance }: AdmissionParts,
): (shown: Shown<Granted>) => boolean {
  return (shown) => {
    const standing = standingOf(shown, rules);
    if (!outlasts(standing.expiresAt, session.expiresAt)) return false;
    // The wheel finds it by its deadline.
    wheel.remove(session);
    session.renew(standing);
    wheel.add(session);
    attendance.changed(session);
    return true;
  };
}

function sharedBy(
  { answersExcess }: Pick<Protocol<never>, 'answersExcess'>,
  { clock, closeCodeOf, flusher, options }: AdmissionParts,
): Shared {
  const { messagesPerSecond: perSecond, messageBurst: burst, queueBytes } = options;
  return {
    clock,
    closeCodeOf,
    flusher,
    queueBytes: queueBytes === 0 ? Infinity : queueBytes,
    rate: { perSecond, burst },
    excessRate: answersExcess
      ? { perSecond: perSecond * EXCESS, burst: burst * EXCESS }
      : undefined,
  };
}

/** When a session that begins now has reached its greatest age. */
function ageEndOf({ maxConnectionAge }: AdmissionParts['options'], clock: Clock): Deadline {
  if (maxConnectionAge === 0) return NEVER;
  return deadlineAt(clock.wallMs() + maxConnectionAge * 1000, clock);
}
