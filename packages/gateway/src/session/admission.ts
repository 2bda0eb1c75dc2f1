import { randomUUID } from 'node:crypto';
import { failures } from '@postern/client/protocol';
import type { Grant } from '../auth/grant.ts';
import type { Claims } from '../auth/verify.ts';
import type { Hub } from '../hub/hub.ts';
import type { Registry } from '../hub/registry.ts';
import { auditMark, userOf } from '../observe/audit.ts';
import { endingLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { createAnnouncement } from './announce.ts';
import type { OnSession } from './announce.ts';
import type { Clock } from './deadline.ts';
import { deadlineAt } from './deadline.ts';
import type { ExpiryWheel } from './expiry.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { RawProtocol } from './raw.ts';
import type { Close, Socket } from './session.ts';
import { Session } from './session.ts';

/** Somebody who may enter: what the token says and what it allows here. */
export interface Visitor {
  readonly claims: Claims;
  readonly grant: Grant;
  /** The token's `exp` in UNIX seconds; undefined when it has none. */
  readonly expiresAt: number | undefined;
  /** Where it comes from, for the log. */
  readonly address: string | undefined;
}

/** Turns an upgraded connection into a session and enters it everywhere. */
export type Admit = (socket: Socket, visitor: Visitor) => Session;

/** The parts that a session is entered into. */
export interface AdmissionParts {
  readonly clock: Clock;
  readonly hub: Hub;
  readonly registry: Registry<Session>;
  readonly wheel: ExpiryWheel;
  readonly heartbeat: Heartbeat;
  readonly protocol: RawProtocol;
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

/** Builds what admits visitors. Whatever is entered here is undone in one place, at the end. */
export function createAdmission(parts: AdmissionParts): Admit {
  const { clock, hub, registry, wheel, heartbeat, protocol, onSession, log, meters } = parts;
  const { messagesPerSecond: perSecond, messageBurst: burst } = parts.options;
  const queueBytes = parts.options.queueBytes === 0 ? Infinity : parts.options.queueBytes;

  return (socket, { claims, grant, expiresAt, address }) => {
    const admittedMs = clock.monotonicMs();
    const undo: (() => void)[] = [];
    const id = randomUUID();
    const announcement = createAnnouncement(onSession, log);
    const who = { session: id, address, user: userOf(claims) };
    const session = new Session({
      id,
      socket,
      grant,
      claims,
      clock,
      ...endOf(expiresAt, parts),
      queueBytes,
      rate: { perSecond, burst },
      onMessage: protocol.receive,
      onEnd: leave,
    });

    undo.push(registry.add(session), heartbeat.add(session));
    wheel.add(session);
    undo.push(...grant.readable.map((name) => hub.subscribe(name, session)));
    log('session_started', { ...who, channels: grant.channels.length });
    protocol.opened(session);
    announcement.opened(session);
    return session;

    function leave(ended: Session, close: Close): void {
      for (const step of undo) step();
      wheel.remove(ended);
      const { by, code } = close;
      const failure = endingLabel(code);
      meters.counter('sessionsEnded', { by, failure }).add();
      const seconds = Math.round((clock.monotonicMs() - admittedMs) / 1000);
      const mark = by === 'gateway' ? auditMark(failure) : {};
      log('session_ended', { ...mark, ...who, failure, code, by, seconds, ignored: ended.ignored });
      protocol.closed(ended, close);
      announcement.closed(close);
    }
  };
}

/** When a session ends at the latest, and what it is told then: whichever comes first. */
function endOf(expiresAt: number | undefined, { clock, options }: AdmissionParts) {
  const { expLeeway, maxConnectionAge } = options;
  const tokenEndMs = expiresAt === undefined ? Infinity : (expiresAt + expLeeway) * 1000;
  const ageEndMs = maxConnectionAge === 0 ? Infinity : clock.wallMs() + maxConnectionAge * 1000;

  return tokenEndMs <= ageEndMs
    ? { deadline: deadlineAt(tokenEndMs, clock), deadlineFailure: failures.tokenExpired }
    : { deadline: deadlineAt(ageEndMs, clock), deadlineFailure: failures.tooOld };
}
