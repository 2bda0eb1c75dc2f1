import { createClient } from '/dev/client/index.js';
import type { ClientState, Gap, Message, OpenState } from '/dev/client/index.js';

/** What a connection tells whoever opened it. */
export interface ConnectionEvents {
  /** Asked for a token: at first, and when the one before has ended, or ends soon. Undefined: that was all. */
  readonly getToken: (reason: 'connect' | 'renew') => Promise<string | undefined>;
  /** Also when a new token has another end. */
  readonly onOpen: (state: OpenState) => void;
  readonly onMessage: (message: Message) => void;
  readonly onGap: (gap: Gap) => void;
  /** It is not open any more. The client comes back by itself, unless it has stopped. */
  readonly onAway: (state: Exclude<ClientState, OpenState>) => void;
  /** What was published was not, or cannot be; or the channel cannot be followed. */
  readonly onRefused: (words: string) => void;
}

/** A client of the gateway that serves this page, on one channel. */
export interface Connection {
  /** Publishes. */
  readonly send: (text: string) => void;
  /** Leaves for good. */
  readonly close: () => void;
  /** Leaves, and nothing of it is told any more. */
  readonly abandon: () => void;
}

/** Opens a connection; `reads` says whether its token lets it follow the channel. */
export function connect(channel: string, reads: boolean, events: ConnectionEvents): Connection {
  const client = createClient({
    url: location.origin,
    getToken: ({ reason }) => events.getToken(reason),
  });
  const stop = client.on('state', (state) => {
    if (state.name === 'open') events.onOpen(state);
    else events.onAway(state);
  });
  const refused = ({ message }: Error): void => events.onRefused(message);
  const { onMessage, onGap } = events;
  if (reads) client.channel(channel).subscribe(onMessage, { onGap, onError: refused });
  client.connect();

  return {
    send: (text) => void client.channel(channel).publish(text).catch(refused),
    close: () => client.close(),
    abandon: () => {
      stop();
      client.close();
    },
  };
}
