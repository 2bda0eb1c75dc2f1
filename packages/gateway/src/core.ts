import { parseGiven } from './config/given.ts';
import type { Options } from './config/options.ts';
import type { GatewayOptions } from './embedding.ts';
import type { Authenticate } from './http/authenticate.ts';
import type { Authorize } from './http/authorize.ts';
import { History } from './hub/history.ts';
import { Hub } from './hub/hub.ts';
import { Registry } from './hub/registry.ts';
import type { Log } from './observe/log.ts';
import { countProblems, createLog } from './observe/log.ts';
import { Meters } from './observe/meters.ts';
import type { OnSession } from './session/announce.ts';
import type { CloseCodeOf } from './session/close-codes.ts';
import { createCloseCodes } from './session/close-codes.ts';
import type { Clock } from './session/deadline.ts';
import { systemClock } from './session/deadline.ts';
import type { ProtocolName, Session } from './session/session.ts';
import { version } from './version.ts';

/** What all the parts share. */
export interface Core {
  readonly options: Options;
  readonly log: Log;
  readonly clock: Clock;
  readonly closeCodeOf: CloseCodeOf;
  /** Who is subscribed to what: to texts as they come, to messages of postern.v1, to events. */
  readonly hubs: Readonly<Record<ProtocolName, Hub>>;
  /** What they were told of late. */
  readonly history: History;
  readonly registry: Registry<Session>;
  readonly meters: Meters;
  readonly authenticate: Authenticate | undefined;
  readonly authorize: Authorize | undefined;
  readonly development: boolean;
  readonly onSession: OnSession | undefined;
}

export type CoreOptions = Omit<GatewayOptions, 'basePath' | 'handleRequest'>;

/** Builds it, from what a program gives. Throws `POSTERN_CONFIG`. */
export function coreOf({ log: given, clock, ...program }: CoreOptions): Core {
  const { authenticate, authorize, development = false, onSession, ...rest } = program;
  const options = parseGiven(rest);
  const uncounted = given ?? createLog({ level: options.logLevel, format: options.logFormat });
  const meters = new Meters({ version: version(), node: process.version });
  const log = countProblems(uncounted, meters);
  const deliveries = meters.counter('deliveries');
  const deliveredBytes = meters.counter('deliveredBytes');
  const count = (subscribers: number, bytes: number): void => {
    deliveries.add(subscribers);
    deliveredBytes.add(subscribers * bytes);
  };
  const time = clock ?? systemClock;
  const { historySeconds: seconds, historyBytes } = options;
  return {
    options,
    log,
    clock: time,
    closeCodeOf: createCloseCodes(options.closeCodes, log),
    hubs: { raw: new Hub(count), v1: new Hub(count), sse: new Hub(count) },
    history: new History({ seconds, bytes: historyBytes, nowMs: () => time.monotonicMs() }),
    registry: new Registry(),
    meters,
    authenticate,
    authorize,
    development,
    onSession,
  };
}
