import { failures } from '@postern/client/protocol';
import type { GapMessage } from '@postern/client/protocol';
import type { Core } from './core.ts';
import { readNotification } from './postgres/envelope.ts';
import { eventFrame, textEvent } from './session/event-frame.ts';
import { messageFrame, textFrame } from './session/frame.ts';
import { publicationText } from './session/publication.ts';
import type { Session } from './session/session.ts';

/** What becomes of what the feed brings, and of what it does not bring. */
export interface Incoming {
  /** A notification: it is handed to whoever is subscribed, and kept. */
  readonly publish: (text: string) => void;
  /** Something of a channel is lost. */
  readonly lost: (channel: string) => void;
  /** Nothing arrives any more. */
  readonly interrupted: () => void;
  /** Messages arrive again, and anything may be lost of what was sent in between. */
  readonly restored: () => void;
}

/** Builds the way from notifications to clients: all that is done for each of them, in this order. */
export function createIncoming(core: Core): Incoming {
  const { options, clock, hubs, history, registry, meters } = core;
  const { databaseChannel, rawGap } = options;
  const notifications = meters.counter('notificationsReceived');
  let isInterrupted = false;
  const tell = tellerFor(core);
  /** The raw protocol has no words for a gap. */
  const endRaw = (isConcerned: (session: Session) => boolean): void => {
    if (rawGap !== 'close') return;
    for (const session of registry.all())
      if (session.protocol === 'raw' && isConcerned(session)) session.end(failures.restart);
  };

  return {
    publish: (text) => {
      notifications.add();
      const notification = readNotification(text, databaseChannel);
      const { channel } = notification;
      hubs.raw.broadcast(channel, () => textFrame(text));
      // It came on a connection that is not yet relied on. Whoever were told of it now would be told of
      // the gap before it only afterwards: the gap at the return covers it, too.
      if (isInterrupted) return;
      const at = clock.wallMs() / 1000;
      const message = history.add(channel, (cursor) =>
        publicationText(notification, { text, at, cursor }),
      );
      hubs.v1.broadcast(channel, () => textFrame(message));
      hubs.sse.broadcast(channel, () => textEvent('message', message, { id: history.cursor }));
    },
    lost: (channel) => {
      // The gap at the return covers it, too.
      if (isInterrupted) return;
      history.interrupt(channel);
      tell.lost(channel);
      meters.counter('gapsTold', { reason: 'payload_lost' }).add();
      const readers: ReadonlySet<unknown> = hubs.raw.subscribersOf(channel);
      endRaw((session) => readers.has(session));
    },
    interrupted: () => {
      isInterrupted = true;
      tell.status('down');
    },
    restored: () => {
      isInterrupted = false;
      history.restart();
      tell.status('up');
      tell.allLost();
      meters.counter('gapsTold', { reason: 'feed_lost' }).add();
      endRaw(() => true);
    },
  };
}

/** Builds what tells clients of anything that is no message, in all protocols that have words for it. */
function tellerFor({ hubs, history, registry }: Core) {
  const gap = (channel: string, reason: 'feed_lost' | 'payload_lost'): GapMessage => ({
    type: 'gap',
    channel,
    reason,
    cursor: history.cursor,
  });

  return {
    status: (database: 'up' | 'down'): void => {
      const message = { type: 'status', database } as const;
      const frames = { v1: messageFrame(message), sse: eventFrame(message) };
      for (const session of registry.all())
        if (session.protocol !== 'raw') session.deliver(frames[session.protocol]);
    },
    lost: (channel: string): void => {
      const message = gap(channel, 'payload_lost');
      hubs.v1.tell(channel, () => messageFrame(message));
      hubs.sse.tell(channel, () => eventFrame(message, { id: message.cursor }));
    },
    allLost: (): void => {
      hubs.v1.tellAll((channel) => messageFrame(gap(channel, 'feed_lost')));
      // Without an id: who is cut off before all its channels are told comes back with the one of before.
      hubs.sse.tellAll((channel) => eventFrame(gap(channel, 'feed_lost')));
    },
  };
}
