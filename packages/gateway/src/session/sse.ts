import type { StreamWelcome } from '@postern/client/protocol';
import { own } from '../auth/decode.ts';
import type { SseVisitor } from './admission.ts';
import { eventFrame } from './event-frame.ts';
import type { ExpiringParts } from './expiring.ts';
import type { Warned } from './expiring.ts';
import { Expiring } from './expiring.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Conversation, Protocol, Talk } from './protocol.ts';
import type { Session } from './session.ts';
import type { StreamParts } from './stream-position.ts';
import { StreamPosition } from './stream-position.ts';

/** What a visitor may do who reads a stream: read all that it asked for. */
export interface SseGrant {
  readonly channels: readonly string[];
}

/** What streams need. */
export interface SseOptions extends ExpiringParts, StreamParts {
  readonly heartbeat: Pick<Heartbeat, 'add' | 'remove'>;
}

/** How often something is written: nobody is to take a quiet stream for a dead connection. */
const COMMENT_SECONDS = 15;

/** When browsers come back that were cut off, by chance in between: not all of them at once. */
const RETRY_MS = { least: 1_000, most: 5_000 } as const;

/** Builds the protocol of streams: a client is welcomed, and told all that comes on its channels. */
export function createSseProtocol(options: SseOptions): Protocol<SseVisitor> {
  return {
    channels: ({ channels }) => channels,
    // What it missed comes first.
    readable: () => [],
    beatSeconds: COMMENT_SECONDS,
    answersExcess: false,
    converse: (talk) => new SseConversation(talk, options),
  };
}

class SseConversation implements Conversation, Warned {
  readonly #session: Session<SseGrant>;
  readonly #from: string | undefined;
  readonly #options: SseOptions;
  readonly #expiring: Expiring;
  readonly #position: StreamPosition;
  readonly #marking = { beat: (): void => this.#position.mark() };

  constructor({ session, visitor }: Talk<SseVisitor>, options: SseOptions) {
    this.#session = session;
    this.#from = visitor.from;
    this.#options = options;
    this.#expiring = new Expiring(session, options, this);
    this.#position = new StreamPosition(session, visitor.grant.channels, options);
  }

  opened(): void {
    this.#options.heartbeat.add(this.#marking, COMMENT_SECONDS);
    this.#session.deliver(
      eventFrame(welcome(this.#session, this.#options), {
        id: this.#position.firstAfter(this.#from),
        retry: retryMs(this.#options),
      }),
    );
    this.#position.begin(this.#from);
    if (this.#session.isOpen) this.#expiring.arm();
  }

  warn(seconds: number): void {
    this.#session.deliver(eventFrame({ type: 'expiring', seconds }));
  }

  /** It has no way to say anything. */
  receive(): void {}

  drained(): void {
    this.#position.goOn();
  }

  closed(): void {
    this.#options.heartbeat.remove(this.#marking);
    this.#expiring.disarm();
    this.#position.stop();
  }
}

/** All that a stream is told about itself. */
function welcome(
  { id, claims, grant, expiresAt }: Session<SseGrant>,
  { clock }: SseOptions,
): StreamWelcome {
  const user = own(claims, 'sub');
  return {
    type: 'welcome',
    session: id,
    ...(typeof user === 'string' ? { user } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    serverTime: clock.wallMs() / 1000,
    channels: Object.fromEntries(grant.channels.map((name) => [name, 'r'] as const)),
    pingSeconds: COMMENT_SECONDS,
  };
}

function retryMs({ random = Math.random }: SseOptions): number {
  const { least, most } = RETRY_MS;
  return Math.round(least + (most - least) * random());
}
