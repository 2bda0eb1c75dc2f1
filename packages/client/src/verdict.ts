import type { ConnectionEnd } from './connection.ts';
import { errorOfClose, trouble } from './errors.ts';
import type { PosternError } from './errors.ts';

/** What follows from the end of a connection. */
export interface Verdict {
  readonly next: 'at once' | 'later' | 'stop' | 'ask why' | 'other socket';
  readonly error: PosternError;
}

/** What is known of the attempts before. */
export interface Past {
  /** How many connections in a row ended before they were welcomed, this one included. */
  readonly refusals: number;
  /** Whether refusals hide their reason, and can be asked for it in another way. */
  readonly canAskWhy: boolean;
  /** Whether there is another kind of socket to try. */
  readonly hasOther: boolean;
}

/** Whether to come back after this end, and how. What fails for the first time may be mended by a new credential. */
export function verdictOn(
  { stage, code, reason }: ConnectionEnd,
  { refusals, canAskWhy, hasOther }: Past,
): Verdict {
  const isFirst = refusals < 2;
  if (stage === 'opening') {
    // Refused, or never arrived: a browser says 1006 to both. Preauthentication says why, if it was that.
    const error = trouble('unreachable');
    if (canAskWhy) return { next: isFirst ? 'at once' : 'ask why', error };
    return { next: hasOther && !isFirst ? 'other socket' : 'later', error };
  }
  const error = errorOfClose(code, reason);
  if (error.retry === 'no') return { next: 'stop', error };
  if (error.retry === 'yes') return { next: 'later', error };
  if (isFirst) return { next: 'at once', error };
  // Only time can tell with tokens that have expired before they are shown.
  return { next: error.code === 'token_expired' ? 'later' : 'stop', error };
}
