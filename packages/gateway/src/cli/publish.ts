import { diagnose } from '../postgres/diagnosis.ts';
import type { Database, DatabaseLog } from '../postgres/connect.ts';
import {
  Envelopes,
  fitsNotification,
  LONGEST_ENVELOPE_BYTES,
  LONGEST_NOTIFICATION_BYTES,
} from '../postgres/envelope.ts';
import { Notifier } from '../postgres/notifier.ts';
import type { NotifierOptions } from '../postgres/notifier.ts';
import type { Outcome } from '../postgres/outgoing.ts';
import { PublicationTables } from '../postgres/publication-tables.ts';
import { CommandError } from './command-error.ts';
import { configuration, readCommandLine } from './command-line.ts';
import { manuals } from './manuals.ts';
import { openDatabase } from './open-database.ts';
import { standardInput } from './terminal.ts';

/** Beyond it nobody at a terminal waits. */
const DEADLINE_MS = 15_000;

/** `postern publish`. */
export async function publish(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.publish);
  if (line === undefined) return;
  const [channel, given, ...more] = line.words;
  if (channel === undefined || channel === '' || given === undefined || more.length > 0)
    throw new CommandError(
      2,
      'name one channel and one payload: postern publish CHANNEL PAYLOAD|-',
    );

  const { options } = configuration(line);
  const payload = given === '-' ? await standardInput() : given;
  const text = new Envelopes(() => Date.now()).message(channel, {}, payload);

  let reason = 'no answer in time';
  const log: DatabaseLog = (_event, fields) => (reason = String(fields?.['reason'] ?? reason));
  const database = openDatabase(options, log);
  try {
    await reach(database);
    const tables = new PublicationTables({ database, migrates: false, log });
    if (!fitsNotification(text)) await tables.start();
    const { databaseChannel: channel } = options;
    const outcome = await notify({ database, channel, tables, log }, text);
    await tables.stop();
    const failure = failed[outcome];
    const why = outcome === 'too_big' ? '' : ` (${reason})`;
    if (failure !== undefined) throw new CommandError(1, `${failure}${why}`);
  } finally {
    await database.stop();
  }
}

/** Without a key a message is none that was sent before. */
const failed: Readonly<Partial<Record<Outcome, string>>> = {
  unknown: 'whether PostgreSQL took the message is not known',
  rejected: 'PostgreSQL refused the message, nothing was sent',
  overflow: 'the message could not be queued, nothing was sent',
  too_big: `too long, nothing was sent: NOTIFY takes an envelope of ${LONGEST_NOTIFICATION_BYTES} bytes, and the table for longer ones, up to ${LONGEST_ENVELOPE_BYTES}, is not there or not to be used; see postern doctor`,
};

/** A notifier waits for its database, however long it takes: so it must be there. */
async function reach(database: Database): Promise<void> {
  try {
    await database.run('SELECT 1', [], DEADLINE_MS);
  } catch (cause) {
    const { found, mend } = diagnose(cause);
    throw new CommandError(1, `nothing was sent: ${found}; ${mend}`, { cause });
  }
}

async function notify(options: NotifierOptions, text: string): Promise<Outcome> {
  const notifier = new Notifier(options);
  const settled = new Promise<Outcome>((resolve) => notifier.send({ texts: [text] }, resolve));
  await notifier.stop(DEADLINE_MS);
  return await settled;
}
