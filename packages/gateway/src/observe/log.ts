import { createRequire } from 'node:module';
import type { DestinationStream } from 'pino';
import pino from 'pino';
import type * as PinoPretty from 'pino-pretty';
import type { EventName, Level } from './events.ts';
import { events } from './events.ts';
import { LineWriter, standardOutput } from './line-writer.ts';
import type { Meters } from './meters.ts';
import { isProblem } from './metrics.ts';
import { namedLikeCredentials, scrubbed } from './redaction.ts';

/** What is known of an event, besides its name. Never a token, a payload, a path or a URL. */
export type Fields = Readonly<Record<string, unknown>>;

/** Writes one event of the table, at the table's level. Must not throw. */
export type Log = (event: EventName, fields?: Fields) => void;

/** How events are written. */
export interface LogOptions {
  /** Least level that is written; audit lines are at any level but `silent`. */
  readonly level: Level | 'silent';
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Where lines go; default: standard output, which the gateway never waits for. */
  readonly destination?: DestinationStream | undefined;
}

const require = createRequire(import.meta.url);

/** Where a line names its event; pino-pretty has to be told, too. */
const MESSAGE_KEY = 'event';

/** Builds the log. */
export function createLog({ level, format, destination }: LogOptions): Log {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const lines =
    destination ??
    new LineWriter({
      write: standardOutput(),
      onDropped: (count) => log('log_dropped', { lines: count }),
    });
  const logger = pino(
    {
      level,
      base: { name: 'postern' },
      messageKey: MESSAGE_KEY,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: namedLikeCredentials,
    },
    scrubbed(isPretty ? forPeople(lines) : lines),
  );
  const everything = level === 'silent' ? logger : logger.child({}, { level: 'trace' });
  const log: Log = (event, fields = {}) => {
    const chosen = fields['audit'] === true ? everything : logger;
    chosen[events[event].level](fields, event);
  };
  return log;
}

/** A log that counts what an operator is to look at, whether it is written or not. */
export function countProblems(log: Log, meters: Meters): Log {
  return (event, fields) => {
    if (isProblem(event)) meters.counter('problems', { event }).add();
    log(event, fields);
  };
}

/** Not pino-pretty's stream: it would keep, without a limit, what the destination does not take. */
function forPeople(lines: DestinationStream): DestinationStream {
  // Loaded here: most gateways write JSON, and none should start later for what it does not use.
  const { prettyFactory }: typeof PinoPretty = require('pino-pretty');
  const prettify = prettyFactory({ messageKey: MESSAGE_KEY });
  return { write: (line) => lines.write(prettify(line)) };
}

/** An error as plain fields, with what caused it. What is no error is named by its type only. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  return {
    name: error.name,
    ...('code' in error ? { code: error.code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
