import assert from 'node:assert/strict';
import { History } from '#gateway/hub/history.js';
import { Hub } from '#gateway/hub/hub.js';
import { Registry } from '#gateway/hub/registry.js';
import type { Fields, Log } from '#gateway/observe/log.js';
import { Meters } from '#gateway/observe/meters.js';
import { Attendance } from '#gateway/session/attendance.js';
import { Envelopes } from '#gateway/postgres/envelope.js';
import { createAdmission } from '#gateway/session/admission.js';
import type { AdmissionParts, V1Visitor } from '#gateway/session/admission.js';
import { createCloseCodes } from '#gateway/session/close-codes.js';
import { ExpiryWheel } from '#gateway/session/expiry.js';
import { Heartbeat, HEARTBEAT_SECONDS } from '#gateway/session/heartbeat.js';
import type { Session } from '#gateway/session/session.js';
import type { V1Options } from '#gateway/session/v1.js';
import { Turns } from '#gateway/session/turns.js';
import { createSseProtocol } from '#gateway/session/sse.js';
import { createV1Protocol } from '#gateway/session/v1.js';
import { FakeSocket } from './fake-socket.ts';
import { FlushAtOnce } from './flush-at-once.ts';
import { TurnedClock } from './turned-clock.ts';

/** Who comes when a test does not say. */
export const ada: V1Visitor = {
  protocol: 'v1',
  claims: { sub: 'ada' },
  grant: {
    entries: { news: 'r' },
    modeOf: (channel) => ({ read: channel === 'news', write: false }),
  },
  expiresAt: undefined,
  authExpiresAt: undefined,
  address: '192.0.2.1',
  refresh: () => Promise.reject(new Error('Nobody is to be refreshed')),
};

/** All that sessions are entered into, without a network or a database. */
export class Antechamber {
  readonly clock = new TurnedClock();
  readonly closeCodeOf = createCloseCodes(undefined, () => undefined);
  readonly hub = new Hub();
  readonly streamHub = new Hub();
  readonly history = new History({
    seconds: 120,
    bytes: 1_048_576,
    nowMs: () => this.clock.monotonicMs(),
  });
  readonly registry = new Registry<Session>();
  readonly wheel = new ExpiryWheel(this.clock);
  readonly heartbeat = new Heartbeat();
  readonly flusher = new FlushAtOnce();
  /** Who came and went, and what is told of them. */
  readonly seen: string[] = [];
  readonly attendance = new Attendance(this.clock, {
    came: (id) => void this.seen.push(`came ${id}`),
    changed: (id) => void this.seen.push(`changed ${id}`),
    left: (id) => void this.seen.push(`left ${id}`),
  });
  readonly meters = new Meters({ version: '0.0.0', node: '0' });
  readonly logged: { readonly event: string; readonly fields: Fields | undefined }[] = [];
  readonly parts: AdmissionParts;

  constructor(
    options: Partial<AdmissionParts['options']> = {},
    parts: Partial<AdmissionParts> = {},
    v1: Partial<V1Options> = {},
  ) {
    const { clock, hub, meters, wheel, history, heartbeat } = this;
    const log: Log = (event, fields) => void this.logged.push({ event, fields });
    this.parts = {
      ...this,
      protocols: {
        raw: {
          channels: ({ channels }) => channels,
          readable: ({ readable }) => readable,
          beatSeconds: HEARTBEAT_SECONDS,
          answersExcess: false,
          converse: () => ({
            opened: () => undefined,
            receive: () => undefined,
            drained: () => undefined,
            closed: () => undefined,
          }),
        },
        v1: createV1Protocol({
          clock,
          hub,
          history,
          turns: new Turns(),
          wheel,
          meters,
          log,
          maxMessageBytes: 65_536,
          refreshMayWiden: false,
          subscriptionsPerSession: 3,
          publish: () => assert.fail('Nobody is to publish'),
          envelopes: new Envelopes(() => this.clock.wallMs()),
          // Neither earlier nor later than usual.
          random: () => 0.5,
          ...v1,
        }),
        sse: createSseProtocol({
          clock,
          hub: this.streamHub,
          history,
          turns: new Turns(),
          wheel,
          meters,
          heartbeat,
          random: () => 0.5,
        }),
      },
      meta: { opened: () => undefined, closed: () => undefined },
      onSession: undefined,
      log,
      options: {
        expLeeway: 0,
        maxConnectionAge: 0,
        queueBytes: 0,
        messagesPerSecond: 0,
        messageBurst: 1,
        ...options,
      },
      ...parts,
    };
  }

  /** Lets somebody in. */
  enter(visitor: Partial<V1Visitor> = {}) {
    const socket = new FakeSocket();
    const session = createAdmission(this.parts)(socket, { ...ada, ...visitor });
    const say = (message: unknown): void =>
      session.receive(
        Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
        'text',
      );
    return { socket, session, say };
  }

  /** Time passes, and whoever is due is looked for. */
  pass(ms: number): void {
    this.clock.pass(ms);
    this.wheel.tick();
  }

  /** Everybody's heart is listened to once. */
  beat(): void {
    for (let second = 0; second < HEARTBEAT_SECONDS; second += 1) this.heartbeat.tick();
  }
}
