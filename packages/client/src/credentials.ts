import type { Answer } from './answer.ts';
import type { PosternError } from './errors.ts';

/** What opens a connection. */
export interface Credential {
  readonly url: string;
  /** What is offered: the protocol, and a ticket beside it. */
  readonly protocols: readonly string[];
  /** A bearer, to be said in the first message: never in a URL, and why it is refused can be read then. */
  readonly token?: string;
}

/** Where credentials come from. One of each kind is got at a time: whoever asks meanwhile gets the same. */
export interface CredentialSource {
  /** For a new connection. */
  get(answer: Answer<Credential>): void;
  /** A token by which an open session goes on. */
  renew(session: string, answer: Answer<string>): void;
  /** What was given last ends then, in milliseconds of `Date.now()`; 0: it is no use any more. */
  endsAt(ms: number): void;
  /**
   * Why a handshake may have been refused, which browsers hide: asks in another way. Answers with the error that it
   * found, or undefined when it finds nothing.
   */
  whyRefused?(credential: Credential, answer: (error: PosternError | undefined) => void): void;
}
