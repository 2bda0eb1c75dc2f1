import type { PoolClient } from 'pg';
import { answerWithin } from './connect.ts';
import { driver } from './driver.ts';

/**
 * What an error means for the statement that met with it. `refused`: nothing of it was committed.
 * `hindered`: neither, and nothing was wrong with it. `doubtful`: nobody knows, and it may still run.
 * `ended`: nobody knows, but it does not run any more.
 */
export type Fate = 'refused' | 'hindered' | 'doubtful' | 'ended';

/** A commit can wait for a slow disk, or for the lock that all who NOTIFY share. */
export const ANSWER_DEADLINE_MS = 10_000;

/** Others were in its way, or somebody has cancelled it. */
const HINDERED = /^(?:40|55P03|57014)/;

/** With these a backend says that it ends: it carries out nothing any more. */
const LAST_WORDS: readonly string[] = ['57P01', '57P02', '57P04'];

/**
 * What has become of a statement that failed. Only a connection that still works tells that it was refused:
 * the driver hands on the severity of an error in the server's language only.
 */
export async function fateOf(client: PoolClient, error: unknown): Promise<Fate> {
  const { DatabaseError } = await driver();
  if (!(error instanceof DatabaseError)) return 'doubtful';
  const { code = '' } = error;
  try {
    await answerWithin(ANSWER_DEADLINE_MS, client, client.query('SELECT 1'));
    return HINDERED.test(code) ? 'hindered' : 'refused';
  } catch {
    // That the connection is gone is the answer.
    return LAST_WORDS.includes(code) ? 'ended' : 'doubtful';
  }
}
