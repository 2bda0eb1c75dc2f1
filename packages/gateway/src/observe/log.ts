import pino from 'pino';
import pretty from 'pino-pretty';
import type { EventName, Level } from './events.ts';
import { events } from './events.ts';

/** What is known of an event, besides its name. Never a token, a payload, a path or a URL. */
export type Fields = Readonly<Record<string, unknown>>;

/** Writes one event of the table, at the table's level. Must not throw. */
export type Log = (event: EventName, fields?: Fields) => void;

/** How events are written. */
export interface LogOptions {
  /** Least level that is written. */
  readonly level: Level | 'silent';
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Where lines go; default: standard output, written to at once, so that no line is lost at an end. */
  readonly destination?: NodeJS.WritableStream | undefined;
}

/** Names under which a credential could slip into the fields; a second net, below the first. */
const CREDENTIALS = ['token', 'authorization', 'cookie', 'password', 'secret', 'url', 'path'];

/** Builds the log. */
export function createLog({ level, format, destination }: LogOptions): Log {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const stream = isPretty
    ? pretty({ sync: true, ...(destination === undefined ? {} : { destination }) })
    : (destination ?? pino.destination({ sync: true }));
  const logger = pino(
    {
      level,
      base: { name: 'postern' },
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: CREDENTIALS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    stream,
  );
  return (event, fields = {}) => logger[events[event].level](fields, event);
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
