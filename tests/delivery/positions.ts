/**
 * Which word of the gateway a client goes by when it cannot resume. `gap`: the gap alone, and until it has
 * come the client asks for the same cursor again. `ok`: the `recovered: false` of the reply, from whose
 * cursor the client goes on at once. Both must be safe.
 */
export type Trust = 'gap' | 'ok';

/** Where a client is in each of its channels: the last cursor that it was given. */
export class Positions {
  readonly #trust: Trust;
  readonly #cursors = new Map<string, string>();

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** The cursor to resume from; undefined: none was given yet. */
  of(channel: string): string | undefined {
    return this.#cursors.get(channel);
  }

  /** A message or a gap of the channel came. */
  passed(channel: string, cursor: unknown): void {
    if (typeof cursor === 'string') this.#cursors.set(channel, cursor);
  }

  /** A `subscribe` was answered. Returns whether that told the client of a gap. */
  answered(channel: string, { cursor, recovered }: SubscribeReply): boolean {
    const isGap = recovered === false;
    if (isGap && this.#trust === 'gap') return false;
    this.passed(channel, cursor);
    return isGap;
  }
}

/** What the reply to a `subscribe` says. */
interface SubscribeReply {
  readonly cursor?: unknown;
  readonly recovered?: unknown;
}
