import { inTime } from '../support/wait.ts';
import { enterAll } from './bare-client.ts';

/** Many who listen to one channel by the raw protocol. */
export interface Audience {
  readonly size: number;
  /** Waits until each of them has heard so many messages more than when this was called last. */
  heard(messages: number): Promise<void>;
  leave(): void;
}

const PATIENCE_MS = 60_000;

/** Connects so many clients by the same token. `onMessage` is told as each of them hears each message. */
export async function gather(
  port: number,
  token: string,
  size: number,
  onMessage: () => void = () => {},
): Promise<Audience> {
  let expected = 0;
  let seen = 0;
  let enough: (() => void) | undefined;
  let lose: (error: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => (lose = reject));
  lost.catch(() => {
    // Whoever waits next is told.
  });

  const visitor = {
    port,
    target: `/${token}`,
    onText: (): void => {
      onMessage();
      seen += 1;
      if (seen === expected) enough?.();
    },
    onLost: () => lose(new Error('A connection was lost')),
  };
  const clients = await enterAll(Array.from({ length: size }, () => visitor));
  return {
    size,
    heard: async (messages) => {
      expected += messages * size;
      const all = new Promise<void>((resolve) => (enough = resolve));
      if (seen === expected) return;
      await inTime(`${messages} messages for each`, Promise.race([all, lost]), PATIENCE_MS);
    },
    leave: () => {
      for (const client of clients) client.leave();
    },
  };
}
