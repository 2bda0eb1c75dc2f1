import { beginningFor, StreamPlace } from './event-stream-place.ts';
import type { StreamMemory, Told, Wishes } from './event-stream-place.ts';
import { readEventStream } from './event-stream-reader.ts';
import type { StreamNews } from './event-stream-reader.ts';
import { askForStream, BROKEN } from './event-stream-request.ts';
import type { StreamAnswer, StreamCredential, StreamRefusal } from './event-stream-request.ts';
import { isOfChannels, sift } from './event-stream-sieve.ts';
import { StreamSubscriptions } from './event-stream-subscriptions.ts';
import type { StreamReply } from './event-stream-subscriptions.ts';
import type { Command } from './protocol/messages.ts';
import type { StreamMessage, StreamWelcome } from './protocol/stream-messages.ts';

/** What a conversation needs, and whom it tells. */
export interface ConversationParts {
  /** That of the stream. */
  readonly url: string;
  /** Undefined: a bearer follows, in an `auth`. */
  readonly credential: StreamCredential | undefined;
  readonly memory: StreamMemory;
  readonly fetch: typeof fetch;
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  readonly onEnd: (end: StreamRefusal) => void;
}

/** How often the gateway says something, if only a comment. */
const COMMENT_SECONDS = 15;

const UNAUTHORIZED: StreamRefusal = { close: 3000, reason: 'Unauthorized' };

/** Makes a client come back at once, with another ticket: the one that it has has opened its stream. */
const SPENT: StreamRefusal = { close: 3001, reason: 'Other channels need another ticket' };

/** Speaks `postern.v1` with a client by streams of events: it is told what a WebSocket would tell it. */
export class StreamConversation {
  readonly #parts: ConversationParts;
  readonly #subscriptions: StreamSubscriptions;
  readonly #isByTicket: boolean;
  #credential: StreamCredential | undefined;
  #told: Told;
  /** The stream that there is, or that is asked for. */
  #stream: AbortController | undefined;
  /** Of the stream that there is. */
  #place: StreamPlace | undefined;
  /** The `auth` that the next `welcome` answers. */
  #authId: number | undefined;
  #look: ReturnType<typeof setTimeout> | undefined;
  #heardMs = 0;
  #state: 'connecting' | 'open' | 'welcomed' | 'over' = 'connecting';
  #isSpent = false;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#credential = parts.credential;
    this.#isByTicket = parts.credential !== undefined && parts.credential.kind !== 'bearer';
    this.#told = parts.memory.told;
    this.#subscriptions = new StreamSubscriptions((message) => this.#say(message));
    // Nobody listens yet.
    queueMicrotask(() => {
      if (this.#isOver) return;
      if (this.#credential === undefined) this.#open();
      else this.#enter();
    });
  }

  /** The client says something. */
  hear(text: string): void {
    const command: Command = JSON.parse(text);
    const { id } = command;
    if (this.#isOver) return;
    if (command.type === 'auth') this.#authorize(command.token, id);
    else if (this.#credential === undefined) this.#end(UNAUTHORIZED);
    else if (command.type === 'ping') this.#pong(id);
    else if (command.type === 'subscribe') {
      this.#subscriptions.add(command);
      this.#settle();
      this.#lookSoon();
    } else if (command.type === 'unsubscribe') {
      this.#subscriptions.remove(command.channel);
      this.#say({ type: 'ok', id });
      this.#lookSoon();
    } else this.#deny(id, 'A stream of events only reads: nothing can be published by it');
  }

  /** The client leaves. */
  leave(end: StreamRefusal): void {
    // As a socket does, which has to wait for the other side: nobody is called back amid a call.
    if (this.#stop()) queueMicrotask(() => this.#parts.onEnd(end));
  }

  #end(end: StreamRefusal): void {
    // A handshake that fails says nothing: to be told why, a client has to be open.
    if (end.close !== BROKEN.close) this.#open();
    if (this.#stop()) this.#parts.onEnd(end);
  }

  /** Whether it was not over before. */
  #stop(): boolean {
    if (this.#isOver) return false;
    // Whoever was not welcomed had no chance to say what it wants now.
    if (this.#state === 'welcomed') this.#parts.memory.wished = this.#wishes();
    this.#state = 'over';
    clearTimeout(this.#look);
    this.#abandon();
    return true;
  }

  #open(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#parts.onOpen();
  }

  #authorize(token: string, id: number): void {
    if (this.#isByTicket) return this.#deny(id, 'A stream of events takes no other ticket');
    const isFirst = this.#credential === undefined;
    this.#credential = { kind: 'bearer', token };
    this.#authId = id;
    if (isFirst) this.#enter();
    else if (this.#subscriptions.isEmpty) this.#answerAuth({});
    else void this.#ask(this.#wishes());
  }

  /** A stream is of channels, and a client names them once it is welcomed: for the first time without one. */
  #enter(): void {
    const { wished } = this.#parts.memory;
    if (wished.size === 0) this.#welcomeForNow();
    else void this.#ask(wished);
  }

  #welcomeForNow(): void {
    this.#greet({
      type: 'welcome',
      session: '',
      serverTime: Date.now() / 1000,
      channels: {},
      pingSeconds: COMMENT_SECONDS,
    });
  }

  #greet(welcome: StreamWelcome): void {
    this.#open();
    this.#state = 'welcomed';
    this.#say({ ...welcome, maxPayloadBytes: 0 });
    this.#answerAuth(welcome);
  }

  #answerAuth({ expiresAt, channels }: Partial<StreamWelcome>): void {
    const id = this.#authId;
    this.#authId = undefined;
    if (id === undefined || this.#isOver) return;
    this.#say({
      type: 'ok',
      id,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(channels === undefined ? {} : { channels }),
    });
  }

  /** Whoever asks whether it lives is not answered when nothing has come for too long. */
  #pong(id: number): void {
    const isSilent = performance.now() - this.#heardMs > 2_000 * COMMENT_SECONDS;
    if (this.#stream === undefined || !isSilent) this.#say({ type: 'pong', id });
  }

  /** What is said in one turn is one wish. */
  #lookSoon(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      if (this.#subscriptions.isEmpty) this.#abandon();
      else this.#complete();
    });
  }

  /** Asks for a stream, or for another one, when there is none of all channels. */
  #complete(): void {
    const place = this.#place;
    // One that is asked for is looked at when it is there.
    if (this.#stream !== undefined && place === undefined) return;
    if (place === undefined ? this.#subscriptions.isEmpty : this.#subscriptions.isWithin(place))
      return;
    if (this.#isSpent) this.#end(SPENT);
    else void this.#ask(this.#wishes());
  }

  async #ask(wishes: Wishes): Promise<void> {
    this.#abandon();
    const { memory } = this.#parts;
    const stream = (this.#stream = new AbortController());
    const { signal } = stream;
    const told = this.#told;
    const channels = [...wishes.keys()];
    const from = beginningFor(wishes, told);
    const answer = await this.#request(channels, from, signal);
    if (signal.aborted) return;
    if ('close' in answer) return this.#refused(answer, channels, signal);

    this.#isSpent = this.#isByTicket;
    for (const channel of channels) memory.granted.add(channel);
    await readEventStream(answer, signal, {
      onBytes: () => (this.#heardMs = performance.now()),
      onNews: (news) =>
        news.message?.type === 'welcome'
          ? this.#welcomed(news.message, new StreamPlace(channels, from, told, news.id), signal)
          : this.#take(news),
    });
    if (!signal.aborted) this.#end(BROKEN);
  }

  async #refused(
    refusal: StreamRefusal,
    channels: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    if (!isOfChannels(refusal)) return this.#end(refusal);
    const { memory } = this.#parts;
    if (this.#state !== 'welcomed') {
      // What was wanted before is not granted any more. The client has to say what it wants now.
      memory.wished = new Map();
      this.#abandon();
      return this.#welcomeForNow();
    }
    const ask = (channel: string): Promise<StreamAnswer> =>
      this.#request([channel], undefined, signal);
    const found = await sift(refusal, { channels, granted: memory.granted, ask });
    if (signal.aborted) return;
    if ('close' in found) return this.#end(found);
    this.#abandon();
    for (const [channel, why] of found) this.#subscriptions.turnAway(channel, why);
    if (!this.#isOver) this.#complete();
  }

  #request(
    channels: readonly string[],
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<StreamAnswer> {
    const { url, fetch } = this.#parts;
    this.#heardMs = performance.now();
    return askForStream({ url, credential: this.#credential, channels, from, signal }, fetch);
  }

  async #welcomed(welcome: StreamWelcome, place: StreamPlace, signal: AbortSignal): Promise<void> {
    this.#place = this.#told = this.#parts.memory.told = place;
    this.#greet(welcome);
    // Whoever is welcomed says what it wants, in this turn: nothing of that may pass by before.
    await new Promise((resolve) => setTimeout(resolve));
    if (signal.aborted) return;
    this.#settle();
    this.#complete();
  }

  #take(news: StreamNews): undefined {
    const { message, data } = news;
    const place = this.#place;
    if (place === undefined) return;
    if (message?.type !== 'gap') place.hasBegun = true;
    this.#settle();
    // A client that was answered may have left, or shown another token: then this comes again.
    if (this.#place !== place) return;
    place.reach(news);
    if (message === undefined) this.#settle();
    else if (message.type === 'expired' || message.type === 'closed')
      this.#end({ close: message.code, reason: message.reason });
    else if (this.#isForClient(message)) this.#parts.onMessage(data);
  }

  #isForClient(message: StreamMessage): boolean {
    // No other ticket can be shown: the end is told when it comes.
    if (message.type === 'expiring') return !this.#isByTicket;
    return !('channel' in message) || this.#subscriptions.has(message.channel);
  }

  #settle(): void {
    if (this.#place !== undefined) this.#subscriptions.settle(this.#place);
  }

  #wishes(): Wishes {
    return this.#subscriptions.wishes(this.#told.cursors);
  }

  /** What is told from here on is for a stream to come. */
  #abandon(): void {
    this.#stream?.abort();
    this.#stream = undefined;
    this.#place = undefined;
  }

  #deny(id: number, message: string): void {
    this.#say({ type: 'error', id, code: 'read_only', message, retry: 'no' });
  }

  #say(message: StreamReply): void {
    if (!this.#isOver) this.#parts.onMessage(JSON.stringify(message));
  }

  get #isOver(): boolean {
    return this.#state === 'over';
  }
}
