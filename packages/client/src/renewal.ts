import type { Answer } from './answer.ts';
import type { Connection } from './connection.ts';
import { PosternError } from './errors.ts';
import type { OkReply } from './protocol/messages.ts';

/** A gateway looks at one token in 10 seconds, good or bad. */
const AGAIN_MS = 11_000;

/** What a renewal is about. */
export interface RenewalParts {
  readonly connection: Connection;
  /** How long the token before still counts. */
  readonly seconds: number;
  /** Gets a new one. */
  readonly ask: (answer: Answer<string>) => void;
  /** Whether the session has ended meanwhile. */
  readonly isOver: () => boolean;
  readonly onRenewed: (reply: OkReply) => void;
}

/**
 * Shows a new token on the open connection, and tries again while there is time. If all fails nothing is lost: the
 * session ends with its token, and the client comes back with its cursors.
 */
export function renew(parts: RenewalParts): void {
  const { connection, seconds, ask, isOver, onRenewed } = parts;
  const again = (): void => {
    if (seconds * 1000 < AGAIN_MS) return;
    setTimeout(() => {
      if (!isOver()) renew({ ...parts, seconds: seconds - AGAIN_MS / 1000 });
    }, AGAIN_MS);
  };
  ask((token) => {
    if (isOver()) return;
    if (token instanceof PosternError) {
      if (token.retry === 'yes') again();
      return;
    }
    connection.say({ type: 'auth', token }, (reply) => {
      if (reply?.type === 'ok') onRenewed(reply);
      else if (reply?.type === 'error' && reply.retry !== 'no') again();
    });
  });
}
