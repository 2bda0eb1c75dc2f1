import * as z from 'zod';
import { flag, list, number, oneOf, origins, secret, text, whole } from './parsers.ts';

/** What the option table says of an option beside its type. */
export interface OptionMeta {
  /** Heading in the reference page. */
  readonly group: 'PostgreSQL' | 'Listening' | 'Tokens' | 'Who may connect' | 'Limits' | 'Running';
  /** Other environment variables that mean the same, the first found wins. */
  readonly aliases?: readonly string[];
}

const columns = z.registry<OptionMeta & { readonly description: string }>();

/** Adds the table's own columns to a parser. */
function option<Schema extends z.ZodType>(schema: Schema, description: string, meta: OptionMeta) {
  columns.add(schema, { ...meta, description });
  return schema;
}

/**
 * Every option, once: its type, parser, default and meaning. Environment variables (`POSTERN_` and
 * the name in capitals), flags, the configuration file, `--help`, `docs/configuration.md` and
 * `sample.env` are all made from this table.
 */
export const options = z.strictObject({
  databaseUrl: option(
    secret.optional(),
    'PostgreSQL URL. `sslmode` means what it means to libpq; `verify-full` is the safe one.',
    { group: 'PostgreSQL', aliases: ['DATABASE_URL', 'PGWS_DB_URI'] },
  ),
  databaseChannel: option(
    text
      .refine((name) => Buffer.byteLength(name) <= 63, 'expected at most 63 bytes')
      .default('postgres-websockets-listener'),
    'The one PostgreSQL channel that carries every message; at most 63 bytes.',
    { group: 'PostgreSQL', aliases: ['PGWS_LISTEN_CHANNEL'] },
  ),
  poolSize: option(
    whole(1, 1000).default(10),
    'Most connections to PostgreSQL beside the one that LISTENs.',
    { group: 'PostgreSQL', aliases: ['PGWS_POOL_SIZE'] },
  ),
  connectRetries: option(
    whole(0).default(0),
    'How often an unreachable PostgreSQL is tried at the start before the program ends; 0: for ever.',
    { group: 'PostgreSQL', aliases: ['PGWS_RETRIES'] },
  ),
  listenerCheckSeconds: option(
    number(0, 3600).default(10),
    'Seconds between proofs that notifications still arrive: a nonce goes through NOTIFY and back; 0: none.',
    { group: 'PostgreSQL', aliases: ['PGWS_CHECK_LISTENER_INTERVAL'] },
  ),
  onListenerLoss: option(
    oneOf(['reconnect', 'exit']).default('reconnect'),
    'What to do when notifications no longer arrive: `reconnect` for ever, or `exit` with code 1.',
    {
      group: 'PostgreSQL',
    },
  ),
  rawGap: option(
    oneOf(['keep', 'close']).default('keep'),
    'Raw connections after a break of the feed: `keep` them, though messages may be missing, or `close` them with 1012.',
    { group: 'PostgreSQL' },
  ),
  host: option(
    text.default('*'),
    'Address to listen on. `*`: all; `*4`, `!4`: all of IPv4; `*6`: all, IPv6 preferred; `!6`: IPv6 only.',
    { group: 'Listening', aliases: ['PGWS_HOST'] },
  ),
  port: option(whole(0, 65_535).default(3000), 'Port to listen on; 0: a free one, printed.', {
    group: 'Listening',
    aliases: ['PGWS_PORT'],
  }),
  tlsCertificate: option(
    text.optional(),
    'Path of a PEM file: the certificate chain. Needs the key.',
    {
      group: 'Listening',
      aliases: ['PGWS_CERTIFICATE_FILE'],
    },
  ),
  tlsKey: option(text.optional(), 'Path of a PEM file: the private key of the certificate.', {
    group: 'Listening',
    aliases: ['PGWS_KEY_FILE'],
  }),
  staticRoot: option(text.optional(), 'Folder whose files are served on plain GET; unset: none.', {
    group: 'Listening',
    aliases: ['PGWS_ROOT_PATH'],
  }),
  jwtSecret: option(
    secret.optional(),
    'What verifies tokens: an HMAC secret of at least 32 bytes, a PEM key, a JWK or a JWK set.',
    { group: 'Tokens', aliases: ['PGWS_JWT_SECRET'] },
  ),
  jwtSecretBase64: option(flag.default(false), 'The HMAC secret is given in base64 or base64url.', {
    group: 'Tokens',
    aliases: ['PGWS_JWT_SECRET_BASE64'],
  }),
  jwks: option(
    secret.optional(),
    'JWK set (RFC 7517) whose keys verify tokens, beside the secret.',
    {
      group: 'Tokens',
    },
  ),
  jwtAudience: option(list.default([]), 'Accepted `aud` values; unset: `aud` is not checked.', {
    group: 'Tokens',
  }),
  jwtIssuer: option(list.default([]), 'Accepted `iss` values; unset: `iss` is not checked.', {
    group: 'Tokens',
  }),
  jwtType: option(list.default([]), 'Accepted `typ` headers; unset: `typ` is not checked.', {
    group: 'Tokens',
  }),
  requireExp: option(flag.default(true), 'Refuse tokens that never expire.', {
    group: 'Tokens',
  }),
  requireClaims: option(list.default([]), 'Claims that every token must have, such as `sub,jti`.', {
    group: 'Tokens',
  }),
  expLeeway: option(
    number(0, 60).default(0),
    'Seconds that a token counts beyond its `exp`, at the handshake and for the open connection alike.',
    { group: 'Tokens' },
  ),
  clockLeeway: option(
    number(0, 300).default(5),
    'Seconds that `nbf` and `iat` may lie ahead, since clocks differ.',
    { group: 'Tokens' },
  ),
  urlTokens: option(
    flag.default(false),
    'Accept tokens in the path, as the raw protocol has them. Paths end up in the logs of proxies.',
    { group: 'Who may connect' },
  ),
  openChannels: option(
    flag.default(false),
    'A token without channel claims opens whatever channel the path names.',
    { group: 'Who may connect' },
  ),
  allowedOrigins: option(
    origins.default([]),
    'Exact origins of pages that may connect; unset: `Origin` is not checked.',
    { group: 'Who may connect' },
  ),
  maxConnectionAge: option(
    number(0).default(86_400),
    'Seconds after which any connection ends with 4002; 0: never.',
    { group: 'Limits' },
  ),
  maxMessageBytes: option(
    whole(0, 2 ** 31 - 1).default(65_536),
    'Longest message a client may send, in bytes; 0: no limit.',
    { group: 'Limits' },
  ),
  queueBytes: option(
    whole(0).default(1_048_576),
    'Most bytes that may wait for a client that reads slowly; beyond it the connection ends with 4008; 0: no limit.',
    { group: 'Limits' },
  ),
  metaChannel: option(
    text.optional(),
    'Channel that is told of each new connection; unset: none.',
    {
      group: 'Running',
      aliases: ['PGWS_META_CHANNEL'],
    },
  ),
  metaClose: option(flag.default(false), 'Tell the meta channel of ended connections too.', {
    group: 'Running',
  }),
  logLevel: option(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    'Least level that is logged.',
    { group: 'Running' },
  ),
  logFormat: option(
    oneOf(['auto', 'json', 'pretty']).default('auto'),
    'Log lines: `json`, or `pretty` for people; `auto` is pretty on a terminal.',
    { group: 'Running' },
  ),
  drainSeconds: option(
    number(0, 3600).default(10),
    'Most seconds over which connections are closed at a shutdown; at least 200 a second are; 0: at once.',
    { group: 'Running' },
  ),
});

/** The configuration in force: parsed, typed, complete. */
export type Options = z.infer<typeof options>;

/** Name of an option, as in a configuration file. */
export type OptionName = keyof Options;

/** One row of the option table. */
export interface OptionRow extends OptionMeta {
  readonly name: OptionName;
  /** Environment variable. */
  readonly env: string;
  /** Command-line flag, without the dashes. */
  readonly flag: string;
  readonly description: string;
  /** What counts when nothing is set; undefined: nothing does. */
  readonly fallback: unknown;
}

/** The option table as rows, in its order. */
export const optionRows: readonly OptionRow[] = options.keyof().options.map((name) => {
  const schema = options.shape[name];
  const meta = columns.get(schema);
  if (meta === undefined) throw new Error(`The option ${name} was not made by option()`);

  const words = name.replaceAll(/[A-Z]/g, (capital) => `_${capital}`);
  return {
    ...meta,
    name,
    env: `POSTERN_${words.toUpperCase()}`,
    flag: words.toLowerCase().replaceAll('_', '-'),
    fallback: schema.parse(undefined),
  };
});
