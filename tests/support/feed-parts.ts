import type { DatabaseEvent, DatabaseLog } from '#gateway/postgres/connect.js';
import { Database } from '#gateway/postgres/connect.js';
import type { FeedListener } from '#gateway/postgres/feed.js';
import type { NotifyFeedOptions } from '#gateway/postgres/notify-feed.js';
import { NotifyFeed } from '#gateway/postgres/notify-feed.js';
import type { Outcome } from '#gateway/postgres/outgoing.js';
import type { Tables } from '#gateway/postgres/notifier.js';
import { Notifier } from '#gateway/postgres/notifier.js';
import { publicationKey } from '#gateway/postgres/publication-key.js';
import { heard } from './evidence.ts';
import type { Scope } from './postgres.ts';
import { until } from './wait.ts';

/** One line of the log. */
export interface Logged {
  readonly event: DatabaseEvent;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** Keeps what is logged. */
export function recordLog(): { readonly log: DatabaseLog; readonly lines: readonly Logged[] } {
  const lines: Logged[] = [];
  const write = heard();
  const log: DatabaseLog = (event, fields = {}) => {
    write(event, fields);
    lines.push({ event, fields });
  };
  return { lines, log };
}

/** A database whose connections end with the scope. */
export function openDatabase(scope: Scope, url: string, log: DatabaseLog, poolSize = 4): Database {
  const database = new Database({ url, poolSize, log });
  scope.after(() => database.stop());
  return database;
}

/** A feed and everything that it told. */
export interface RecordedFeed {
  readonly feed: NotifyFeed;
  readonly lines: readonly Logged[];
  /** Notifications, in the order in which they came. */
  readonly texts: readonly string[];
  /** `up`, `down: reason`, `lost: message`, in their order. */
  readonly states: readonly string[];
  /** Waits until so many notifications have come, and returns them. */
  heard(count: number, deadlineMs?: number): Promise<readonly string[]>;
  /** Waits for the next state that is not among the first `seen`. */
  state(seen: number, deadlineMs?: number): Promise<string>;
}

type FeedSettings = Partial<NotifyFeedOptions> & {
  readonly url: string;
  readonly channel: string;
  readonly poolSize?: number;
};

/** Builds a feed that is stopped at the end of the scope. It is not started. */
export function recordFeed(scope: Scope, settings: FeedSettings): RecordedFeed {
  const { url, poolSize, ...options } = settings;
  const { log, lines } = recordLog();
  const texts: string[] = [];
  const states: string[] = [];
  const listener: FeedListener = {
    notified: (text) => void texts.push(text),
    up: () => void states.push('up'),
    down: (reason) => void states.push(`down: ${reason}`),
    lost: (error) => void states.push(`lost: ${error.message}`),
  };
  const database = openDatabase(scope, url, log, poolSize);
  const feed = new NotifyFeed(
    { database, checkSeconds: 0, retries: 1, onLoss: 'reconnect', log, ...options },
    listener,
  );
  scope.after(() => feed.stop());

  return {
    feed,
    lines,
    texts,
    states,
    heard: (count, deadlineMs) =>
      until(`${count} notifications`, () => texts.length >= count && texts, deadlineMs),
    state: (seen, deadlineMs) =>
      until(`a state after ${states.slice(0, seen).join(', ')}`, () => states[seen], deadlineMs),
  };
}

/** A notifier and what became of its texts. */
export interface RecordedNotifier {
  readonly notifier: Notifier;
  readonly lines: readonly Logged[];
  /** By text. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Sends texts, each of which must be settled once. */
  send(...texts: readonly string[]): void;
  /** The same, with the key that is made of this one. */
  sendKeyed(text: string, key?: string): void;
  /** Waits until so many texts are settled. */
  settled(count: number, deadlineMs?: number): Promise<ReadonlyMap<string, Outcome>>;
}

/** Builds a notifier that is stopped, at once, at the end of the scope. */
export function recordNotifier(
  scope: Scope,
  { url, channel, poolSize }: Pick<FeedSettings, 'url' | 'channel' | 'poolSize'>,
  useTables?: (database: Database, log: DatabaseLog) => Tables,
): RecordedNotifier {
  const { log, lines } = recordLog();
  const database = openDatabase(scope, url, log, poolSize);
  const tables = useTables === undefined ? {} : { tables: useTables(database, log) };
  const notifier = new Notifier({ database, channel, ...tables, log });
  scope.after(() => notifier.stop(0));
  const outcomes = new Map<string, Outcome>();

  const settle = (text: string, outcome: Outcome): void => {
    if (outcomes.has(text)) throw new Error('A text was settled twice');
    outcomes.set(text, outcome);
  };
  return {
    notifier,
    lines,
    outcomes,
    send: (...texts) => {
      for (const text of texts)
        notifier.send({ texts: [text] }, (outcome) => settle(text, outcome));
    },
    sendKeyed: (text, key = text) =>
      notifier.send(
        {
          texts: [text],
          key: publicationKey({ issuer: 'test', subject: 'ada', channel: 'chat', key }),
        },
        (outcome) => settle(text, outcome),
      ),
    settled: (count, deadlineMs) =>
      until(`${count} outcomes`, () => outcomes.size >= count && outcomes, deadlineMs),
  };
}
