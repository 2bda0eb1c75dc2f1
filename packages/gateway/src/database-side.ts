import type { Core } from './core.ts';
import { disconnectionFor } from './disconnection.ts';
import { GatewayError } from './errors.ts';
import { replayStoreFor } from './handshakes.ts';
import type { Spend } from './http/credentials.ts';
import type { Part } from './lifecycle.ts';
import { orderedFor } from './ordered.ts';
import type { Ordered } from './ordered.ts';
import { Database } from './postgres/connect.ts';
import type { FeedListener } from './postgres/feed.ts';
import { NotifyFeed } from './postgres/notify-feed.ts';
import { Notifier } from './postgres/notifier.ts';
import type { Presence } from './postgres/presence.ts';
import { presenceFor } from './presence.ts';
import { PublicationTables } from './postgres/publication-tables.ts';
import { SchemaKeeper } from './postgres/schema-keeper.ts';
import { hearing, listenTogether, TableFollower } from './postgres/table-follower.ts';
import { revocationFor } from './revocation.ts';

/** The feed into the hub, the notifier out to PostgreSQL, and what the schema keeps. */
export function joinPostgres(core: Core) {
  const { options, log, meters } = core;
  const { databaseUrl, databaseChannel: channel } = options;
  if (databaseUrl === undefined)
    throw new GatewayError('POSTERN_CONFIG', { detail: 'POSTERN_DATABASE_URL is not set' });

  const database = new Database({ url: databaseUrl.reveal(), poolSize: options.poolSize, log });
  const tables = new PublicationTables({ database, migrates: options.migrate, log });
  const notifier = new Notifier({
    database,
    channel,
    tables,
    log,
    onCommit: (texts, seconds) => {
      meters.histogram('batchMessages').observe(texts);
      meters.histogram('commitSeconds').observe(seconds);
    },
  });
  let lose: (error: GatewayError) => void;
  const lost = new Promise<never>((_resolve, reject) => (lose = reject));
  // It need not be waited for by everybody who embeds a gateway.
  lost.catch(() => undefined);

  const order = orderedFor({ ...core, database, tables });
  const { isRevoked, table: revocations } = revocationFor(core);
  const { attendance, presence } = presenceFor({ ...core, database });
  const disconnections = disconnectionFor({ ...core, attendance });
  const feed = new NotifyFeed(
    {
      database,
      channel,
      checkSeconds: options.listenerCheckSeconds,
      retries: options.connectRetries,
      onLoss: options.onListenerLoss,
      log,
      onProof: (seconds) => meters.histogram('feedRoundTripSeconds').observe(seconds),
      privately: () =>
        listenTogether([
          hearing(order.noticed),
          ...[revocations(), disconnections].map((table) => new TableFollower(database, table)),
        ]),
    },
    listenerFor(order, { notifier, presence, lost: (error) => lose(error) }),
  );
  const schema = new SchemaKeeper({ database, enabled: options.migrate, log });
  const replays = replayStoreFor(options, { ...core, database });
  const stores: readonly Part[] = [
    { name: 'schema', start: () => schema.start(), stop: () => schema.stop() },
    { name: 'publication', start: () => tables.start(), stop: () => tables.stop() },
    { name: 'payloads', stop: () => order.stop() },
    { name: 'replays', start: () => replays.start(), stop: () => replays.stop() },
    { name: 'presence', start: () => presence.start(), stop: () => presence.stop() },
  ];
  const spend: Spend = (ticket) => replays.spend(ticket);
  return { database, notifier, feed, lost, spend, isRevoked, stores, attendance };
}

/** Whom the feed's ups and downs concern. */
interface Told extends Pick<FeedListener, 'lost'> {
  readonly notifier: Notifier;
  readonly presence: Presence;
}

/** What is done about all that the feed tells. */
function listenerFor(order: Ordered, { notifier, presence, lost }: Told): FeedListener {
  let broken = false;
  return {
    notified: order.notified,
    down: () => {
      broken = true;
      notifier.hold();
      order.interrupted();
    },
    up: () => {
      notifier.release();
      presence.verify();
      if (broken) order.restored();
      broken = false;
    },
    lost,
  };
}
