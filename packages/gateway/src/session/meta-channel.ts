import { own } from '../auth/decode.ts';
import type { Claims } from '../auth/verify.ts';
import type { Log } from '../observe/log.ts';
import type { Envelopes } from '../postgres/envelope.ts';
import type { Publisher } from './publishing.ts';
import type { Session } from './session.ts';

/** What the meta channel takes. */
export interface MetaChannelOptions {
  readonly publisher: Publisher;
  readonly envelopes: Envelopes;
  /** Channel that is told of sessions; undefined: none is. */
  readonly metaChannel: string | undefined;
  /** Whether it is told of their end, too. */
  readonly metaClose: boolean;
  readonly log: Log;
}

/** Who is told that sessions come and go: whoever reads that channel. */
export interface MetaChannel {
  /** A session with these channels has begun. */
  readonly opened: (session: Session, channels: readonly string[]) => void;
  /** It has ended, by this close code. */
  readonly closed: (session: Session, channels: readonly string[], code: number) => void;
}

/** Builds what tells the meta channel of sessions, whichever protocol they speak. */
export function createMetaChannel(options: MetaChannelOptions): MetaChannel {
  const { envelopes, metaChannel, metaClose } = options;
  const nobody = (): void => undefined;
  if (metaChannel === undefined) return { opened: nobody, closed: nobody };

  return {
    opened: (session, channels) =>
      tell(options, session, envelopes.connectionOpen(metaChannel, shownOf(session), channels)),
    closed: (session, channels, code) => {
      if (metaClose)
        tell(
          options,
          session,
          envelopes.connectionClose(metaChannel, shownOf(session), channels, code),
        );
    },
  };
}

/**
 * What others are shown of a session's claims. The raw protocol shows all of them, as
 * postgres-websockets does; of `postern.v1` they see the user, and nothing that names login or token.
 */
function shownOf({ protocol, claims }: Session): Claims {
  if (protocol === 'raw') return claims;
  const sub = own(claims, 'sub');
  return typeof sub === 'string' ? { sub } : {};
}

function tell({ publisher, log }: MetaChannelOptions, session: Session, text: string): void {
  // As if it came from the session: so nobody is told of its end before its last message.
  publisher.send({ texts: [text], sender: session }, (outcome) => {
    if (outcome !== 'committed') log('meta_not_sent', { outcome });
  });
}
