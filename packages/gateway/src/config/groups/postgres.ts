import { option } from '../option.ts';
import { flag, number, oneOf, secret, text, whole } from '../parsers.ts';

/** How PostgreSQL is reached, and what a break of it means. */
export const postgresOptions = {
  databaseUrl: option(
    secret.optional(),
    'PostgreSQL URL. `sslmode` means what it means to libpq; `verify-full` is the safe one.',
    ['DATABASE_URL', 'PGWS_DB_URI'],
  ),
  databaseChannel: option(
    text
      .refine((name) => Buffer.byteLength(name) <= 63, 'at most 63 bytes')
      .default('postgres-websockets-listener'),
    'The one PostgreSQL channel that carries every message; at most 63 bytes.',
    ['PGWS_LISTEN_CHANNEL'],
  ),
  poolSize: option(
    whole(1, 1000).default(10),
    'Most connections to PostgreSQL beside the one that LISTENs.',
    ['PGWS_POOL_SIZE'],
  ),
  connectRetries: option(
    whole(0).default(0),
    'How often an unreachable PostgreSQL is tried at the start before the program ends; 0: for ever.',
    ['PGWS_RETRIES'],
  ),
  listenerCheckSeconds: option(
    number(0, 3600).default(10),
    'Seconds between proofs that notifications still arrive: a nonce goes through NOTIFY and back; 0: none.',
    ['PGWS_CHECK_LISTENER_INTERVAL'],
  ),
  onListenerLoss: option(
    oneOf(['reconnect', 'exit']).default('reconnect'),
    'What to do when notifications no longer arrive: `reconnect` for ever, or `exit` with code 1.',
  ),
  migrate: option(
    flag.default(true),
    'Run pending migrations of the schema `postern` at the start; `false`: the schema is left alone, and `postern migrate` runs them.',
  ),
  rawGap: option(
    oneOf(['keep', 'close']).default('keep'),
    'Raw connections after a break of the feed: `keep` them, though messages may be missing, or `close` them with 1012. So, too, those of a channel of which a long message cannot be had.',
  ),
};
