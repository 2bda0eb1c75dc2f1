import type { Connection } from './connection.ts';
import type { Answer } from './answer.ts';
import { errorOfReply, trouble } from './errors.ts';
import type { PosternError } from './errors.ts';
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
  /** `late`: it was refused for now, and is said again in a while. */
  state: 'waiting' | 'under way' | 'late';
}

/** What is to be published, from the call to its answer. */
export class Publications {
  readonly #connection: () => Connection | undefined;
  readonly #all: Publication[] = [];
  #longest = 0;

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
    const publication: Publication = { text, isKeyed: key !== undefined, answer, state: 'waiting' };
    this.#all.push(publication);
    if (this.#all.length > MOST_WAITING) this.#settle(publication, trouble('queue_full'));
    this.#send();
    return () => this.#settle(publication, trouble('aborted'));
  }

  /** `longest`: as many bytes may a message have; 0: any number. */
  open(longest: number): void {
    this.#longest = longest;
    this.#send();
  }

  /** Nothing is said any more. */
  stop(error: PosternError): void {
    this.#all.slice().forEach((publication) => this.#settle(publication, error));
  }

  #send(): void {
    const connection = this.#connection();
    if (connection === undefined) return;
    let free = MOST_UNDER_WAY - this.#all.filter(({ state }) => state === 'under way').length;
    this.#all.slice().forEach((publication) => {
      const { text, state } = publication;
      if (state !== 'waiting' || free <= 0) return;
      // The gateway would close the connection for it, and with it all else that is under way.
      if (this.#longest > 0 && utf8Length(text) + ID_BYTES > this.#longest)
        return this.#settle(publication, trouble('too_big'));
      free -= 1;
      publication.state = 'under way';
      connection.sayText(text, (reply) => {
        if (reply === undefined) this.#lost(publication);
        else this.#answered(publication, reply);
      });
    });
  }

  /** The connection broke: what has a key is said again on the next one. */
  #lost(publication: Publication): void {
    publication.state = 'waiting';
    if (!publication.isKeyed) this.#settle(publication, trouble('outcome_unknown'));
  }

  #answered(publication: Publication, reply: Reply): void {
    if (reply.type !== 'error')
      this.#settle(publication, { duplicate: reply.type === 'ok' && reply.duplicate === true });
    else if (reply.retry !== 'yes' || !publication.isKeyed)
      this.#settle(publication, errorOfReply(reply));
    else {
      publication.state = 'late';
      setTimeout(() => {
        publication.state = 'waiting';
        this.#send();
      }, AGAIN_MS);
    }
    this.#send();
  }

  #settle(publication: Publication, outcome: Published | PosternError): void {
    const at = this.#all.indexOf(publication);
    if (at < 0) return;
    this.#all.splice(at, 1);
    publication.answer(outcome);
  }
}
