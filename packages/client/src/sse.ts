import { streamAddress } from './address.ts';
import { StreamConversation } from './event-stream-conversation.ts';
import { NOTHING_TOLD } from './event-stream-place.ts';
import type { StreamMemory } from './event-stream-place.ts';
import type { StreamCredential } from './event-stream-request.ts';
import type { SocketClose, SocketConstructor, SocketLike, SocketMessage } from './socket.ts';

/** How streams of events are read. */
export interface EventStreamOptions {
  /** What asks for them. Default: that of the browser, or of Node. */
  readonly fetch?: typeof fetch;
}

/** An offer that is a credential. */
const CREDENTIAL = /^postern\.(csrf|embed|bearer)\.(.+)$/;

/**
 * What stands in for WebSocket where none gets through: connections that speak `postern.v1`, and that the gateway's
 * streams of events (`/sse`) lie beneath. They read and cannot publish. Each stream has its channels for good, so for
 * another one a client comes back, at once and without losing anything; several asked for in one turn are one wish.
 */
export function eventStream({ fetch: ask }: EventStreamOptions = {}): SocketConstructor {
  const memory: StreamMemory = { told: NOTHING_TOLD, wished: new Map(), granted: new Set() };

  return class implements SocketLike {
    onopen: (() => void) | null = null;
    onmessage: ((event: SocketMessage) => void) | null = null;
    onclose: ((event: SocketClose) => void) | null = null;
    onerror: (() => void) | null = null;
    readonly #conversation: StreamConversation;

    constructor(url: string, protocols: readonly string[]) {
      this.#conversation = new StreamConversation({
        url: streamAddress(url),
        credential: credentialIn(protocols),
        memory,
        // A browser's is called on nothing, or on its window.
        fetch: ask ?? ((input, init) => fetch(input, init)),
        onOpen: () => this.onopen?.(),
        onMessage: (data) => this.onmessage?.({ data }),
        onEnd: ({ close, reason }) => this.onclose?.({ code: close, reason }),
      });
    }

    send(text: string): void {
      this.#conversation.hear(text);
    }

    close(code = 1000, reason = ''): void {
      this.#conversation.leave({ close: code, reason });
    }
  };
}

function credentialIn(protocols: readonly string[]): StreamCredential | undefined {
  for (const offer of protocols) {
    const [, kind, token = ''] = CREDENTIAL.exec(offer) ?? [];
    if (kind === 'csrf' || kind === 'embed' || kind === 'bearer') return { kind, token };
  }
  return undefined;
}
