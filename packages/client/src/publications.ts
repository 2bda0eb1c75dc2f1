import type { Connection } from './connection.ts';
import type { Answer } from './answer.ts';
import { PosternError, trouble } from './errors.ts';
import type { Reply } from './protocol/messages.ts';
import { utf8Length } from './utf8-length.ts';

/** How many may wait for their answers. */
const MOST_WAITING = 1_000;

/** How many the gateway is told at a time: it takes ten times its rate, and no more, for an attack. */
const MOST_UNDER_WAY = 32;

/** What was refused for now is said again after this, in milliseconds. */
const AGAIN_MS = 1_000;

/** As much as the `id` adds to a command, at the most. */
const ID_BYTES = 20;

/** What became of a message that was published. */
export interface Published {
  /** A message with the same key was published before, and this one was not. */
  readonly duplicate: boolean;
}

/** A message to be published. */
export interface Wanted {
  readonly channel: string;
  readonly payload: unknown;
  /**
   * Names the message, so that it can be said again: over reconnects, until it is answered, and published once.
   * Without one, what was under way as a connection broke fails with `outcome_unknown`.
   */
  readonly key?: string | undefined;
}

interface Publication {
  /** The command, as JSON. */
  readonly text: string;
  readonly isKeyed: boolean;
  readonly answer: Answer<Published>;
  isUnderWay: boolean;
  /** When it may be said again. */
  notBeforeMs: number;
}

/** What is to be published, from the call to its answer. */
export class Publications {
  readonly #connection: () => Connection | undefined;
  #waiting: Publication[] = [];
  #longest = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: () => Connection | undefined) {
    this.#connection = connection;
  }

  /**
   * Publishes, as soon as there is a connection. Returns what gives it up.
   *
   * @throws TypeError when JSON cannot tell the payload.
   */
  add({ channel, payload, key }: Wanted, answer: Answer<Published>): () => void {
    const text = JSON.stringify({ type: 'publish', channel, payload, key });
    const publication = {
      text,
      isKeyed: key !== undefined,
      answer,
      isUnderWay: false,
      notBeforeMs: 0,
    };
    if (this.#waiting.length >= MOST_WAITING) {
      answer(trouble('queue_full'));
      return () => undefined;
    }
    this.#waiting.push(publication);
    this.#send();
    return () => this.#settle(publication, trouble('aborted'));
  }

  /** `longest`: as many bytes may a message have; 0: any number. */
  open(longest: number): void {
    this.#longest = longest;
    this.#send();
  }

  /** No more replies come. */
  lose(): void {
    this.#waiting.slice().forEach((publication) => {
      const wasUnderWay = publication.isUnderWay;
      publication.isUnderWay = false;
      if (wasUnderWay && !publication.isKeyed) this.#settle(publication, unknownOutcome());
    });
  }

  /** Nothing is said any more. */
  stop(error: PosternError): void {
    clearTimeout(this.#timer);
    this.#waiting.slice().forEach((publication) => this.#settle(publication, error));
  }

  #send(): void {
    const connection = this.#connection();
    if (connection === undefined) return;
    let free = MOST_UNDER_WAY - this.#waiting.filter(({ isUnderWay }) => isUnderWay).length;
    this.#waiting.slice().forEach((publication) => {
      if (free <= 0 || publication.isUnderWay || publication.notBeforeMs > Date.now()) return;
      free -= 1;
      this.#say(connection, publication);
    });
  }

  #say(connection: Connection, publication: Publication): void {
    // The gateway would close the connection for it, and with it all else that is under way.
    if (this.#longest > 0 && utf8Length(publication.text) + ID_BYTES > this.#longest) {
      this.#settle(publication, new PosternError('too_big', 'Message too big', { retry: 'no' }));
      return;
    }
    publication.isUnderWay = true;
    connection.sayText(publication.text, (reply) => {
      // Without one the connection is gone: `lose` follows.
      if (reply !== undefined) this.#answered(publication, reply);
    });
  }

  #answered(publication: Publication, reply: Reply): void {
    if (reply.type === 'error' && reply.retry === 'yes' && publication.isKeyed) {
      publication.isUnderWay = false;
      publication.notBeforeMs = Date.now() + AGAIN_MS;
      this.#timer = setTimeout(() => this.#send(), AGAIN_MS + 10);
      return;
    }
    this.#settle(
      publication,
      reply.type === 'error'
        ? new PosternError(reply.code, reply.message, { retry: reply.retry })
        : { duplicate: reply.type === 'ok' && reply.duplicate === true },
    );
    this.#send();
  }

  #settle(publication: Publication, outcome: Published | PosternError): void {
    const at = this.#waiting.indexOf(publication);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    publication.answer(outcome);
  }
}

function unknownOutcome(): PosternError {
  const text = 'The connection broke before the answer came: it may have been published, or not';
  return new PosternError('outcome_unknown', text, { retry: 'no' });
}
