import type { ConnectionEnd } from './connection.ts';
import { errorOfClose, trouble } from './errors.ts';
import type { PosternError } from './errors.ts';

/** What follows from the end of a connection. */
export type Verdict =
  | { readonly next: 'at once' | 'later' | 'stop' | 'ask why'; readonly error: PosternError }
  | { readonly next: 'other socket'; readonly error: PosternError };

/** What is known of the attempts before. */
export interface Past {
  /** How many connections in a row were refused, or sent away for what they had shown, before they were welcomed. */
  readonly refusals: number;
  /** Whether refusals hide their reason, and can be asked for it in another way. */
  readonly canAskWhy: boolean;
  /** Whether there is another kind of socket to try. */
  readonly hasOther: boolean;
}

/** How often a handshake that says nothing may fail before something else is tried. */
const PATIENCE = 2;

/** Whether to come back after this end, and how. */
export function verdictOn(end: ConnectionEnd, past: Past): Verdict {
  if (end.stage === 'opening') return onRefusal(past);

  const error = errorOfClose(end.code, end.reason);
  if (error.retry === 'no') return { next: 'stop', error };
  if (error.retry === 'yes') return { next: 'later', error };
  // A new credential is the remedy, once. When that is no better, only time can tell with one that has expired.
  if (end.stage === 'welcomed' || past.refusals < PATIENCE) return { next: 'at once', error };
  return { next: error.code === 'token_expired' ? 'later' : 'stop', error };
}

/** The handshake was refused, or never arrived: a browser says 1006 to both. */
function onRefusal({ refusals, canAskWhy, hasOther }: Past): Verdict {
  const error = trouble('unreachable');
  // Preauthentication says why, if it was that.
  if (refusals < PATIENCE) return { next: canAskWhy ? 'at once' : 'later', error };
  if (canAskWhy) return { next: 'ask why', error };
  return { next: hasOther ? 'other socket' : 'later', error };
}
