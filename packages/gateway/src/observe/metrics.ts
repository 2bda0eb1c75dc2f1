import { events } from './events.ts';
import type { EventName, EventRow } from './events.ts';
import { endingLabels, refusalLabels } from './labels.ts';

interface Described {
  /** As Prometheus names things: `postern_`, base units, `_total` for what only grows. */
  readonly name: `postern_${string}`;
  /** What it tells, and where it is not plain, what to make of it. For `docs/metrics.md`. */
  readonly help: string;
}

/** Grows with what happens. */
interface Counter extends Described {
  readonly type: 'counter';
  /** By name, every value that there can be: a series each, there from the start. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
}

/** Read when it is asked for: it costs nothing in between. */
interface Gauge extends Described {
  readonly type: 'gauge';
}

/** How often values lay at or below each bound. */
interface Histogram extends Described {
  readonly type: 'histogram';
  readonly buckets: readonly number[];
}

/** Always 1: its labels are what it tells. Their values stay the same as long as the process runs. */
interface Info extends Described {
  readonly type: 'info';
  readonly labels: readonly string[];
}

/** One row of the metric table. */
export type Metric = Counter | Gauge | Histogram | Info;

/** What an operator is to look at: `postern_problems_total` counts these events. */
const problems = Object.keys(events)
  .filter((name): name is EventName => name in events)
  .filter(isProblem);

/**
 * Every metric of the gateway's own. `/metrics` and `docs/metrics.md` are made from this table. No
 * label says who: channels, users and addresses are without number, and some are secrets.
 */
export const metrics = {
  buildInfo: {
    type: 'info',
    name: 'postern_build_info',
    labels: ['version', 'node'],
    help: 'Always 1. The labels say which version of the gateway runs, and on which Node.',
  },
  handshakesAccepted: {
    type: 'counter',
    name: 'postern_handshakes_accepted_total',
    help: 'Clients that were let in.',
  },
  handshakesRefused: {
    type: 'counter',
    name: 'postern_handshakes_refused_total',
    labels: { failure: refusalLabels },
    help: 'Clients that were not let in, by the failure they were told.',
  },
  preauthsGranted: {
    type: 'counter',
    name: 'postern_preauths_granted_total',
    labels: { ticket: ['cookie', 'embed'] },
    help: 'Pages that preauthenticated, by what they got: the auth cookie with a CSRF token, or an embed token.',
  },
  preauthsRefused: {
    type: 'counter',
    name: 'postern_preauths_refused_total',
    labels: { failure: refusalLabels },
    help: 'Pages that could not preauthenticate, by the failure they were told.',
  },
  sessions: { type: 'gauge', name: 'postern_sessions', help: 'Clients that are in.' },
  sessionsRefreshed: {
    type: 'counter',
    name: 'postern_sessions_refreshed_total',
    help: 'Sessions that went on by another token, each time.',
  },
  refreshesRefused: {
    type: 'counter',
    name: 'postern_refreshes_refused_total',
    labels: { failure: endingLabels },
    help: 'Tokens by which a session would have gone on and did not, by the failure it was told.',
  },
  sessionsEnded: {
    type: 'counter',
    name: 'postern_sessions_ended_total',
    labels: { by: ['gateway', 'client'], failure: endingLabels },
    help: 'Connections that ended, by whose doing it was and the failure of their close code. `noStatus`: a close frame without a code; `abnormal`: none at all; `other`: a code that is not in the failure table.',
  },
  channels: {
    type: 'gauge',
    name: 'postern_channels',
    help: 'Channels that somebody here is subscribed to.',
  },
  subscriptionsResumed: {
    type: 'counter',
    name: 'postern_subscriptions_resumed_total',
    labels: { outcome: ['recovered', 'unknown_cursor', 'too_old'] },
    help: 'Subscriptions with a cursor, by what came of them: `recovered`, all that came after it; else a gap: `too_old`, the history does not go back as far; `unknown_cursor`, it is of another gateway, or of a time before a break.',
  },
  historyBytes: {
    type: 'gauge',
    name: 'postern_history_bytes',
    help: 'Memory that recent messages take, about; bounded by `POSTERN_HISTORY_BYTES`.',
  },
  gapsTold: {
    type: 'counter',
    name: 'postern_gaps_total',
    labels: { reason: ['feed_lost', 'payload_lost'] },
    help: 'Times that subscribers were told that messages may be missing: after a break of the feed, those of all channels; or where a long message could not be fetched, those of one.',
  },
  messagesReceived: {
    type: 'counter',
    name: 'postern_messages_received_total',
    help: 'Messages of clients, whatever became of them.',
  },
  messageBytesReceived: {
    type: 'counter',
    name: 'postern_message_bytes_received_total',
    help: 'Bytes of these messages, without the frames around them.',
  },
  messagesIgnored: {
    type: 'counter',
    name: 'postern_messages_ignored_total',
    help: 'Messages of clients that may not write.',
  },
  messagesPublished: {
    type: 'counter',
    name: 'postern_messages_published_total',
    labels: {
      outcome: ['committed', 'duplicate', 'unknown', 'rejected', 'overflow', 'no_keys', 'too_big'],
    },
    help: 'Messages meant for PostgreSQL, by what became of them: `committed`; `duplicate`, its key had been used before; `unknown`, the connection broke meanwhile; `rejected` by PostgreSQL; `overflow`, too much was waiting already; `no_keys`, it has a key, and keys cannot be remembered (`publication_tables_unavailable`); `too_big`, it is too long to be carried.',
  },
  notifierMessages: {
    type: 'gauge',
    name: 'postern_notifier_messages',
    help: 'Messages that PostgreSQL has not answered for, one for each channel they are for.',
  },
  notifierBytes: {
    type: 'gauge',
    name: 'postern_notifier_bytes',
    help: 'Bytes of these messages.',
  },
  batchMessages: {
    type: 'histogram',
    name: 'postern_notifier_batch_messages',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    help: 'Messages that one commit took to PostgreSQL.',
  },
  commitSeconds: {
    type: 'histogram',
    name: 'postern_notifier_commit_seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    help: 'How long such a commit took, from the statement to the answer.',
  },
  notificationsReceived: {
    type: 'counter',
    name: 'postern_notifications_received_total',
    help: 'Notifications that PostgreSQL handed over, for whomever they were.',
  },
  heldBytes: {
    type: 'gauge',
    name: 'postern_held_bytes',
    help: 'Bytes of notifications that wait for a long message before them on the same channel, which is being fetched.',
  },
  deliveries: {
    type: 'counter',
    name: 'postern_deliveries_total',
    help: 'Notifications times the clients here that each was for.',
  },
  deliveredBytes: {
    type: 'counter',
    name: 'postern_delivered_bytes_total',
    help: 'Bytes of the frames of these deliveries.',
  },
  outboxBytes: {
    type: 'gauge',
    name: 'postern_outbox_bytes',
    help: 'Bytes that wait for clients to read them, of all clients together.',
  },
  jwksFetches: {
    type: 'counter',
    name: 'postern_jwks_fetches_total',
    labels: { outcome: ['loaded', 'unavailable', 'unusable'] },
    help: 'Fetches of the JWK set at `POSTERN_JWKS`, by what came of them: `loaded`; `unavailable`, no text could be had from there; `unusable`, the text holds no key that can be used.',
  },
  feedUp: {
    type: 'gauge',
    name: 'postern_feed_up',
    help: '1 while notifications arrive, 0 while they do not and clients are refused.',
  },
  feedRoundTripSeconds: {
    type: 'histogram',
    name: 'postern_feed_round_trip_seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    help: 'How long the nonce took from NOTIFY back to LISTEN (`POSTERN_LISTENER_CHECK_SECONDS`).',
  },
  presenceKept: {
    type: 'gauge',
    name: 'postern_presence_kept',
    help: '1 while `postern.sessions` shows who is connected here, 0 while it cannot be written.',
  },
  draining: {
    type: 'gauge',
    name: 'postern_draining',
    help: '1 from the signal to stop on, 0 before it.',
  },
  problems: {
    type: 'counter',
    name: 'postern_problems_total',
    labels: { event: problems },
    help: 'Events of level warn and above, whether `POSTERN_LOG_LEVEL` lets them be written or not.',
  },
} as const satisfies Record<string, Metric>;

/** Whether an event is one that an operator is to look at. */
export function isProblem(event: EventName): boolean {
  const { level, uncounted }: EventRow = events[event];
  return (level === 'warn' || level === 'error') && uncounted !== true;
}

type Table = typeof metrics;

/** Names of rows, by what they are. */
export type NameOf<Type extends Metric['type']> = {
  [Name in keyof Table]: Table[Name] extends { readonly type: Type } ? Name : never;
}[keyof Table];

/** The labels of a counter, one value each; none for most. */
export type LabelsOf<Name extends NameOf<'counter'>> = Table[Name] extends {
  readonly labels: infer Labels extends Readonly<Record<string, readonly string[]>>;
}
  ? [labels: { readonly [Label in keyof Labels]: Labels[Label][number] }]
  : [];

/** The labels of the build. */
export type BuildInfo = Readonly<Record<Table['buildInfo']['labels'][number], string>>;
