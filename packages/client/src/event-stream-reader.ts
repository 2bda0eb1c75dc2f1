import { createEventStreamParser } from './event-stream-parser.ts';
import { parseObject } from './json.ts';
import type { StreamMessage } from './protocol/stream-messages.ts';

/** What comes on a stream. */
export interface StreamNews {
  /** What the gateway says, whose promise it is that its members are what its type says; undefined: a mark. */
  readonly message: StreamMessage | undefined;
  /** The same as it came. */
  readonly data: string;
  /** Up to here everything was told; undefined: it is what it was before. */
  readonly id: string | undefined;
}

/** Whom a stream tells what. */
export interface StreamListener {
  /** Something came, if only a comment. */
  readonly onBytes: () => void;
  /** Nothing more is read until a promise has resolved, where it returns one. */
  readonly onNews: (news: StreamNews) => Promise<void> | undefined;
}

/** Reads a stream until it ends, breaks or is left by the signal. Rejects for bugs of the listener only. */
export async function readEventStream(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { onBytes, onNews }: StreamListener,
): Promise<void> {
  const reader = body.getReader();
  // Node forgets who else listens to the signal once the request has been collected: the connection would stay.
  signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined));
  const decoder = new TextDecoder();
  const parse = createEventStreamParser();
  for (;;) {
    // One that breaks ends without its last word: there is no more to say of it.
    const { value } = await reader.read().catch(() => ({ value: undefined }));
    if (value === undefined || signal.aborted) return;
    onBytes();
    for (const { data, id } of parse(decoder.decode(value, { stream: true }))) {
      const message = parseObject<StreamMessage>(data);
      // What is no JSON was changed on the way.
      if (message === undefined && data !== undefined) return;
      const pause = onNews({ message, data: data ?? '', id });
      if (pause !== undefined) await pause;
      if (signal.aborted) return;
    }
  }
}
