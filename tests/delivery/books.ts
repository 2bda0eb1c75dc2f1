import type { Query } from '../support/postgres.ts';
import type { Outcome, Publication } from './account.ts';

/** A message of which more may become known. */
interface Draft extends Omit<Publication, 'outcome'> {
  outcome: Outcome;
}

/** What one publisher knows of its messages, in the order in which it sent them. */
export class Book {
  readonly publisher: string;
  readonly #drafts: Draft[] = [];

  constructor(publisher: string) {
    this.publisher = publisher;
  }

  /** All of them so far. */
  get publications(): readonly Publication[] {
    return this.#drafts;
  }

  /** The one that was begun last. */
  get newest(): Publication | undefined {
    return this.#drafts.at(-1);
  }

  /** Notes one that is about to be sent. Until more is known of it, it may have been committed. */
  begin(channel: string): Draft {
    const { publisher } = this;
    const number = this.#drafts.length;
    const draft: Draft = {
      publisher,
      number,
      channel,
      sentMs: performance.now(),
      outcome: 'unknown',
    };
    this.#drafts.push(draft);
    return draft;
  }

  /** Settles all of them by the rows that were written in the transactions that they were sent in. */
  async settleBy(query: Query): Promise<void> {
    const rows = await query('SELECT number FROM books.published WHERE publisher = $1', [
      this.publisher,
    ]);
    const numbers = new Set(rows.map(({ number }) => Number(number)));
    for (const draft of this.#drafts)
      draft.outcome = numbers.has(draft.number) ? 'committed' : 'rolled back';
  }
}

/** Makes the table of those rows. */
export async function openBooks(query: Query): Promise<void> {
  await query(`
    CREATE SCHEMA books;
    CREATE TABLE books.published (publisher text, number int, PRIMARY KEY (publisher, number))`);
}
