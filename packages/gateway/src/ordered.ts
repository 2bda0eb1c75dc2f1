import type { Core } from './core.ts';
import type { Incoming } from './incoming.ts';
import { createIncoming } from './incoming.ts';
import { ChannelOrder } from './postgres/channel-order.ts';
import type { Database } from './postgres/connect.ts';
import { readNotification } from './postgres/envelope.ts';
import { LongPayloads } from './postgres/long-payloads.ts';
import { readReference } from './postgres/payload-reference.ts';
import type { PublicationTables } from './postgres/publication-tables.ts';

/** What comes in, short or long, in the order in which it was committed. */
export interface Ordered extends Pick<Incoming, 'interrupted' | 'restored'> {
  /** A notification. */
  readonly notified: (text: string) => void;
  /** Something was said on the private channel. */
  readonly noticed: (text: string) => void;
  readonly stop: () => Promise<void>;
}

/** Joins what comes in with what fetches long texts, and keeps each channel's order meanwhile. */
export function orderedFor({
  database,
  tables,
  ...core
}: Core & { readonly database: Database; readonly tables: PublicationTables }): Ordered {
  const { databaseChannel: channel } = core.options;
  const incoming = createIncoming(core);
  const payloads: LongPayloads = new LongPayloads({
    database,
    channel,
    tables,
    arrived: (id, text) => order.arrived(id, text),
    log: core.log,
  });
  const order = new ChannelOrder({
    channelOf: (text) => readNotification(text, channel).channel,
    publish: incoming.publish,
    lost: incoming.lost,
    want: (id) => payloads.want(id),
  });
  core.meters.gauge('heldBytes', () => order.bytes);
  return {
    notified: (text) => order.notified(text),
    noticed: (text) => {
      const reference = readReference(text);
      if (reference?.databaseChannel === channel) order.referred(reference);
    },
    interrupted: () => {
      order.drop();
      payloads.drop();
      incoming.interrupted();
    },
    restored: incoming.restored,
    stop: () => payloads.stop(),
  };
}
