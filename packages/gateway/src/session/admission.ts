import { randomUUID } from 'node:crypto';
import { failures } from '@postern/client/protocol';
import type { Grant } from '../auth/grant.ts';
import type { Claims } from '../auth/verify.ts';
import type { Hub } from '../hub/hub.ts';
import type { Registry } from '../hub/registry.ts';
import { auditMark, userOf } from '../observe/audit.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { createAnnouncement } from './announce.ts';
import type { OnSession } from './announce.ts';
import type { CloseCodeOf } from './close-codes.ts';
import type { Clock } from './deadline.ts';
import { deadlineAt } from './deadline.ts';
import type { ExpiryWheel } from './expiry.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Protocol } from './protocol.ts';
import type { Close, MessageKind, Socket } from './session.ts';
import { Session } from './session.ts';
import type { V1Grant } from './v1.ts';

/** Somebody who may enter: who it is, and what is allowed here. */
interface Arrival<Granted> {
  readonly claims: Claims;
  readonly grant: Granted;
  /** The token's `exp` in UNIX seconds; undefined when it has none. */
  readonly expiresAt: number | undefined;
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
  /** The end of the login behind a ticket, in UNIX seconds: no leeway is given. Undefined: no ticket. */
  readonly authExpiresAt: number | undefined;
}

/** Somebody who may enter. */
export type Visitor = RawVisitor | V1Visitor;

/** Turns an upgraded connection into a session and enters it everywhere. */
export type Admit = (socket: Socket, visitor: Visitor) => Session;

/** The parts that a session is entered into. */
export interface AdmissionParts {
  readonly clock: Clock;
  readonly closeCodeOf: CloseCodeOf;
  readonly hub: Hub;
  readonly registry: Registry<Session>;
  readonly wheel: ExpiryWheel;
  readonly heartbeat: Heartbeat;
  readonly protocols: { readonly raw: Protocol<Grant>; readonly v1: Protocol<V1Grant> };
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
  const { raw, v1 } = parts.protocols;
  const accepted = parts.meters.counter('handshakesAccepted');

  return (socket, visitor) => {
    accepted.add();
    return visitor.protocol === 'raw'
      ? enter({ socket, visitor, protocol: raw }, parts)
      : enter({ socket, visitor, protocol: v1 }, parts);
  };
}

/** A visitor, and what it speaks. */
interface Entering<Granted> {
  readonly socket: Socket;
  readonly visitor: Visitor & Arrival<Granted>;
  readonly protocol: Protocol<Granted>;
}

function enter<Granted>(
  { socket, visitor, protocol }: Entering<Granted>,
  parts: AdmissionParts,
): Session<Granted> {
  const { clock, closeCodeOf, hub, registry, wheel, heartbeat, onSession, log, meters } = parts;
  const { claims, grant, address } = visitor;
  const admittedMs = clock.monotonicMs();
  const undo: (() => void)[] = [];
  const id = randomUUID();
  const channels = protocol.channels(grant);
  const announcement = createAnnouncement(onSession, log);
  const who = { session: id, address, user: userOf(claims) };
  const session: Session<Granted> = new Session({
    id,
    protocol: visitor.protocol,
    socket,
    grant,
    claims,
    clock,
    closeCodeOf,
    ...endOf(visitor, parts),
    ...flowOf(protocol, () => session, parts.options),
    onEnd: leave,
  });

  undo.push(registry.add(session), heartbeat.add(session));
  wheel.add(session);
  undo.push(...protocol.readable(grant).map((name) => hub.subscribe(name, session)));
  log('session_started', { ...who, protocol: visitor.protocol, channels: channels.length });
  protocol.opened(session);
  announcement.opened(session, channels);
  return session;

  function leave(close: Close): void {
    for (const step of undo) step();
    wheel.remove(session);
    const { by, code, failure } = close;
    meters.counter('sessionsEnded', { by, failure }).add();
    const seconds = Math.round((clock.monotonicMs() - admittedMs) / 1000);
    const mark = by === 'gateway' ? auditMark(failure) : {};
    log('session_ended', { ...mark, ...who, failure, code, by, seconds, ignored: session.ignored });
    protocol.closed(session, close);
    announcement.closed(close);
  }
}
/** How much may come from a client and wait for it, and who takes what comes. */
function flowOf<Granted>(
  { receive, excess }: Protocol<Granted>,
  session: () => Session<Granted>,
  { messagesPerSecond: perSecond, messageBurst: burst, queueBytes }: AdmissionParts['options'],
) {
  return {
    queueBytes: queueBytes === 0 ? Infinity : queueBytes,
    rate: { perSecond, burst },
    onMessage: (data: Buffer, kind: MessageKind): void => receive(session(), data, kind),
    excess: excess && {
      rate: { perSecond: perSecond * EXCESS, burst: burst * EXCESS },
      onMessage: (data: Buffer, kind: MessageKind): void => excess(session(), data, kind),
    },
  };
}

/** When a session ends at the latest, and what it is told then: whichever comes first. */
function endOf(visitor: Visitor, { clock, options }: AdmissionParts) {
  const { expLeeway, maxConnectionAge } = options;
  const tokenEnd = visitor.expiresAt ?? Infinity;
  const loginEnd = (visitor.protocol === 'v1' ? visitor.authExpiresAt : undefined) ?? Infinity;
  const shownEnd = Math.min(tokenEnd + expLeeway, loginEnd);
  const ageEndMs = maxConnectionAge === 0 ? Infinity : clock.wallMs() + maxConnectionAge * 1000;

  return {
    // With the leeway: who was let in by it would be told of an end that is past, and come anew at once.
    expiresAt: shownEnd === Infinity ? undefined : shownEnd,
    ...(shownEnd * 1000 <= ageEndMs
      ? { deadline: deadlineAt(shownEnd * 1000, clock), deadlineFailure: failures.tokenExpired }
      : { deadline: deadlineAt(ageEndMs, clock), deadlineFailure: failures.tooOld }),
  };
}
