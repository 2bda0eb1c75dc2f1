import type { DatabaseEvent, DatabaseLog } from '../postgres/connect.ts';
import { readNotification } from '../postgres/envelope.ts';
import { NotifyFeed } from '../postgres/notify-feed.ts';
import { CommandError } from './command-error.ts';
import { configuration, readCommandLine } from './command-line.ts';
import { manuals } from './manuals.ts';
import { openDatabase } from './open-database.ts';
import { firstSignal, runUntil } from './run.ts';
import { endWithReader, shownLine } from './terminal.ts';

/** `postern tail`. */
export async function tail(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.tail);
  if (line === undefined) return;
  const { words: channels } = line;
  if (line.has('all') === channels.length > 0)
    throw new CommandError(2, 'name the channels to follow, or --all of them');

  const { options } = configuration(line);
  const { databaseChannel: channel, listenerCheckSeconds: checkSeconds } = options;
  const wanted = new Set(channels);
  const write = line.has('json') ? notificationLine : payloadLine;
  const database = openDatabase(options, tell);
  const feed = new NotifyFeed(
    {
      database,
      channel,
      checkSeconds,
      retries: options.connectRetries,
      onLoss: 'reconnect',
      log: tell,
    },
    {
      notified: (text) => {
        const to = readNotification(text, channel).channel;
        if (wanted.size === 0 || wanted.has(to)) console.log(write(text, channel));
      },
      up: () => undefined,
      down: () => undefined,
      lost: () => undefined,
    },
  );
  endWithReader();
  await runUntil(
    firstSignal(['SIGHUP', 'SIGINT', 'SIGTERM']),
    { start: () => feed.start(), stop: () => feed.stop(), lost: new Promise(() => undefined) },
    () => console.error(`postern: listening on the database channel ${channel}`),
  );
  await database.stop();
  process.exit(0);
}

/** What the watcher should know, since lines may be missing for it. */
const told: Partial<Record<DatabaseEvent, string>> = {
  database_retry: 'PostgreSQL cannot be reached; it is tried again',
  database_encoding: 'the database is not in UTF-8',
  listener_lost: 'notifications no longer arrive; reconnecting',
  listener_restored: 'notifications arrive again; what was sent in between is missing',
};

const tell: DatabaseLog = (event, fields = {}) => {
  const text = told[event];
  const reason = fields['reason'];
  if (text !== undefined)
    console.error(`postern: ${text}${reason === undefined ? '' : ` (${reason})`}`);
};

/** The payload of an envelope; what is no envelope is all payload. */
function payloadLine(text: string): string {
  const envelope = jsonObject(text);
  const payload = envelope !== undefined && 'payload' in envelope ? envelope.payload : text;
  const shown = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return shownLine(shown, process.stdout.isTTY);
}

/** As it was sent, number by number; what is no envelope, in one. */
function notificationLine(text: string, databaseChannel: string): string {
  const envelope = jsonObject(text);
  const isWhole = envelope !== undefined && 'channel' in envelope;
  // Line breaks can stand between the tokens of JSON only, where a space says the same.
  const json = isWhole
    ? text.replaceAll(/[\r\n]+/g, ' ')
    : JSON.stringify({ channel: databaseChannel, payload: envelope ?? text });
  // All that a terminal would obey can stand in strings only, where its escape says the same.
  return shownLine(json, process.stdout.isTTY);
}

function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Whoever may NOTIFY may send anything.
    return undefined;
  }
}
