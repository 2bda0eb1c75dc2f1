import { withoutPassword } from '../../config/describe.ts';
import { parseDatabaseUrl } from '../../postgres/database-url.ts';
import { hangUp } from '../../postgres/connect.ts';
import type { Database } from '../../postgres/connect.ts';
import { diagnose } from '../../postgres/diagnosis.ts';
import { inspectServer } from '../../postgres/inspection.ts';
import type { ServerFacts } from '../../postgres/inspection.ts';
import { isUsable, schemaTrouble } from '../../postgres/schema-state.ts';
import { ListenConnection } from '../../postgres/listen-connection.ts';
import { RENEW_DAYS } from './certificate.ts';
import { ok, problem, skipped, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured, Reached } from './ground.ts';

/** What a gateway needs of a server, and what harms it there. */
export const databaseChecks: readonly Check<Reached>[] = [
  { name: 'database-tls', asks: 'encryption to the server, and its certificate', run: databaseTls },
  { name: 'version', asks: 'whether the server is new enough', run: ({ facts }) => version(facts) },
  { name: 'encoding', asks: 'whether it can hold every text', run: ({ facts }) => encoding(facts) },
  { name: 'replica', asks: 'whether it is the primary', run: ({ facts }) => replica(facts) },
  { name: 'pooler', asks: 'whether a pooler is in between', run: ({ facts }) => pooler(facts) },
  { name: 'listen', asks: 'whether LISTEN hears a NOTIFY, and how soon', run: listen },
  { name: 'clock', asks: 'how far the clocks are apart', run: clock },
  { name: 'schema', asks: 'the schema postern: migrations, rights, owner', run: schema },
  {
    name: 'sql-channel',
    asks: 'whether postern.publish reaches the gateway',
    run: publishChannel,
  },
  {
    name: 'queue',
    asks: 'how full the queue of notifications is',
    run: ({ facts }) => queue(facts),
  },
  { name: 'connections', asks: 'whether there is room for the pool', run: connections },
];

/** Connects and asks the server about itself: what the other checks stand on. Throws why it cannot. */
export async function reach(database: Database): Promise<ServerFacts> {
  const client = await database.connect(new AbortController().signal);
  try {
    return await inspectServer(client);
  } finally {
    await hangUp(client);
  }
}

/** What is said of a database that could be reached. */
export function reached({ options }: Configured): Finding {
  return ok(options.databaseUrl === undefined ? '' : withoutPassword(options.databaseUrl.reveal()));
}

const LOCAL = /^(?:\/.*|localhost|127\.\d+\.\d+\.\d+|::1)?$/;
const DAY_MS = 86_400_000;

function databaseTls({ configured: { options }, facts: { tls } }: Reached): Finding {
  const { host = '' } = parseDatabaseUrl(options.databaseUrl?.reveal() ?? '').config;
  if (!tls.encrypted)
    return LOCAL.test(host)
      ? ok('none, and it does not leave this machine')
      : warning(
          'none: whoever is in between can read and change everything',
          'switch TLS on at the server, then sslmode=verify-full in POSTERN_DATABASE_URL',
        );

  const days = Math.floor(((tls.expires?.getTime() ?? Infinity) - Date.now()) / DAY_MS);
  const end = tls.expires?.toISOString() ?? 'no end that shows';
  if (days < RENEW_DAYS)
    return warning(
      `the server’s certificate ${days < 0 ? 'expired on' : 'expires on'} ${end}`,
      'renew it on the server',
    );
  return tls.trusted || LOCAL.test(host)
    ? ok(`encrypted, certificate until ${end}`)
    : warning(
        'encrypted, but nobody vouches for the server: it could be another',
        'sslmode=verify-full in POSTERN_DATABASE_URL, and sslrootcert where the authority is your own',
      );
}

const OLDEST_VERSION = 12;

function version({ version: number }: ServerFacts): Finding {
  const major = Math.floor(number / 10_000);
  const found = `PostgreSQL ${major}.${number % 10_000}`;
  return major < OLDEST_VERSION
    ? problem(`${found} is too old`, `update it to ${OLDEST_VERSION} or later`)
    : ok(found);
}

function encoding({ encoding: found }: ServerFacts): Finding {
  return found === 'UTF8'
    ? ok(found)
    : warning(
        `${found}: messages with texts that it cannot hold are refused`,
        'use a database with ENCODING UTF8',
      );
}

function replica(facts: ServerFacts): Finding {
  return facts.replica
    ? problem(
        'it is a read replica, which can neither LISTEN nor NOTIFY',
        'name the primary in POSTERN_DATABASE_URL',
      )
    : ok('it is the primary');
}

function pooler({ pooled }: ServerFacts): Finding {
  return pooled
    ? warning(
        'a connection pooler is in between, which must not be in transaction mode',
        'name the server itself in POSTERN_DATABASE_URL, or a pooler in session mode',
      )
    : ok('none that shows itself; listen tells of others');
}

async function listen({ configured: { options }, database, facts }: Reached): Promise<Finding> {
  if (facts.replica) return skipped('a read replica hears nothing');
  let seconds = 0;
  const connection = new ListenConnection({
    database,
    channel: options.databaseChannel,
    checkSeconds: 0,
    notified: () => undefined,
    log: () => undefined,
    onProof: (taken) => (seconds = taken),
  });
  try {
    await connection.open();
    return ok(`a nonce went through NOTIFY and back in ${(seconds * 1000).toFixed(1)} ms`);
  } catch (error) {
    const { found, mend } = diagnose(error);
    return problem(found, mend);
  } finally {
    await connection.close();
  }
}

const CLOCK_SECONDS = 1;

function clock({ configured: { options }, facts }: Reached): Finding {
  const { seconds, uncertainty } = facts.clock;
  const apart = Math.abs(seconds);
  const direction = seconds > 0 ? 'ahead of' : 'behind';
  const found = `the server’s clock is ${apart.toFixed(3)} s ${direction} this one (± ${uncertainty.toFixed(3)} s)`;
  const mend = 'keep both clocks right, by NTP';
  // What cannot be told from the way there and back is no difference.
  if (apart - uncertainty <= CLOCK_SECONDS) return ok(found);
  return apart - uncertainty > options.clockLeeway
    ? problem(
        `${found}, beyond POSTERN_CLOCK_LEEWAY: tokens it issues are refused, or live on`,
        mend,
      )
    : warning(found, mend);
}

function schema({ configured: { options }, facts }: Reached): Finding {
  const { schema: found, forbiddenTables: forbidden } = facts;
  if (facts.replica) return skipped('a read replica is left alone');
  if (found.state === 'pending') {
    const { length } = found.pending;
    const missing = length === 1 ? '1 migration is pending' : `${length} migrations are pending`;
    return options.migrate
      ? ok(`${missing}: the next start of postern serve sees to that`)
      : warning(`${missing}, and POSTERN_MIGRATE is off`, 'run postern migrate');
  }
  const trouble = schemaTrouble(found);
  if (trouble !== undefined)
    return warning(
      `${trouble.found}: the raw protocol works without, what is kept in tables does not`,
      trouble.mend,
    );
  if (forbidden.length > 0)
    return warning(
      `the user lacks rights to ${forbidden.join(', ')}: what is kept there does not work`,
      'as the owner of the schema: postern migrate --grant, with the name of the user',
    );
  return ok(
    found.state === 'newer'
      ? 'all migrations have run, and some of a later version; they are left alone'
      : 'all migrations have run',
  );
}

function publishChannel({ configured: { options }, facts }: Reached): Finding {
  if (!isUsable(facts.schema)) return skipped('the schema postern is not there, or not to be used');
  if (facts.publishChannel === options.databaseChannel)
    return ok('postern.publish notifies the database channel that is listened on');
  return warning(
    'postern.publish notifies another database channel than POSTERN_DATABASE_CHANNEL: what SQL publishes by it does not come here',
    'ALTER DATABASE … SET postern.database_channel TO the name of this one; it counts for sessions that begin then',
  );
}

const CROWDED = 0.1;
const FULL = 0.5;

function queue({ queueUsage }: ServerFacts): Finding {
  const found = `${(queueUsage * 100).toFixed(1)} % full`;
  const mend =
    'some session LISTENs and reads nothing, or has a transaction open: look in pg_stat_activity, and end it';
  if (queueUsage < CROWDED) return ok(found);
  return queueUsage < FULL
    ? warning(found, mend)
    : problem(`${found}: when it is full, every NOTIFY fails`, mend);
}

function connections({ configured: { options }, facts }: Reached): Finding {
  const needed = options.poolSize + 1;
  const { connectionsLeft: left, connectionsAtMost: most } = facts;
  const found = `${needed} are needed, of ${most} are ${left} free`;
  const mend = 'lower POSTERN_POOL_SIZE, or raise max_connections or the limit of user or database';
  if (needed > most) return problem(found, mend);
  return needed > left ? warning(found, mend) : ok(found);
}
