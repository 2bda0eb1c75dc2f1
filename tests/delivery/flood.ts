import type { Query } from '../support/postgres.ts';
import { Book } from './books.ts';

/** As much as a notification carries, nearly: less would only take longer. */
const FILLER = 7_000;

/** Messages of one transaction: some 350 kilobytes. */
export const WAVE = 50;

/** A publisher by SQL that sends as much as it can, each time it is asked. */
export class Flood {
  readonly book: Book;
  readonly channel: string;
  readonly #query: Query;
  readonly #databaseChannel: string;

  constructor(name: string, options: { query: Query; databaseChannel: string; channel: string }) {
    this.book = new Book(name);
    this.channel = options.channel;
    this.#query = options.query;
    this.#databaseChannel = options.databaseChannel;
  }

  /** Publishes so many messages in one transaction. */
  async wave(messages: number): Promise<void> {
    const { channel } = this;
    const { publisher } = this.book;
    const numbers = Array.from({ length: messages }, () => this.book.begin(channel).number);
    const texts = numbers.map((number) =>
      JSON.stringify({ channel, payload: { publisher, number, filler: 'x'.repeat(FILLER) } }),
    );
    await this.#query(
      `WITH rows AS (INSERT INTO books.published (publisher, number) SELECT $1, unnest($2::int[]))
       SELECT count(pg_notify($3, text)) FROM unnest($4::text[]) AS text`,
      [publisher, numbers, this.#databaseChannel, texts],
    );
  }
}
