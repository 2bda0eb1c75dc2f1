/** How much an event matters. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One row of the event table. */
export interface EventRow {
  readonly level: Level;
  /** Whether it can be an audit line, which is written whatever the level of the log: see `audit.ts`. */
  readonly audit?: true;
  /** Said where no gateway could count it: of the configuration beforehand, and of the log itself. */
  readonly uncounted?: true;
  /** What happened and, where something can be done, what. For `docs/operating.md`. */
  readonly meaning: string;
}

/** Every event that the gateway logs. `docs/operating.md` is generated from this table. */
export const events = {
  compatibility_start: {
    level: 'warn',
    uncounted: true,
    meaning:
      'Started with the variables of postgres-websockets: tokens are taken from the path, need no `exp`, and one without channel claims opens any channel. The fields name the safer settings.',
  },
  open_channels: {
    level: 'warn',
    uncounted: true,
    meaning: 'A token without channel claims opens any channel (`POSTERN_OPEN_CHANNELS`).',
  },
  no_pages: {
    level: 'info',
    uncounted: true,
    meaning:
      'No page of a browser can connect, only programs with a token can: neither `POSTERN_PUBLIC_URL` nor `POSTERN_ALLOWED_ORIGINS` is set, and tokens in the path are off (`POSTERN_URL_TOKENS`).',
  },
  random_secrets: {
    level: 'info',
    uncounted: true,
    meaning:
      'Tickets for pages are signed with secrets that were made up at the start (`POSTERN_SECRETS` is not set): right for one gateway, wrong for two.',
  },
  development: {
    level: 'info',
    meaning:
      'Pages may preauthenticate over plain HTTP from this computer, with the cookie `postern-dev`, which has neither `Secure` nor the prefix: to try things out, and for nothing else.',
  },
  close_code_misleads: {
    level: 'warn',
    meaning:
      'By `POSTERN_CLOSE_CODES` a failure has a code after which a client that goes by [failures](failures.md), or by the ranges of codes, does the opposite of what the failure calls for: it comes back in vain, or stays away though it need not (`retry`: what is called for; `taken`: what the code says). Right only where each client was written for it.',
  },
  unknown_variables: {
    level: 'warn',
    uncounted: true,
    meaning: 'Variables that start with `POSTERN_` but are no option: misspelt, most likely.',
  },
  listening: { level: 'info', meaning: 'The port is open.' },
  admin_listening: { level: 'info', meaning: 'The admin port is open.' },
  admin_refused: {
    level: 'info',
    audit: true,
    meaning:
      'Somebody asked the admin port without its token, or by a name that is not this computer’s. `more`: so many others in the second before are not written.',
  },
  ready: { level: 'info', meaning: 'Notifications arrive: clients are let in.' },
  reloaded: {
    level: 'info',
    meaning:
      'A file has changed, or SIGHUP came, and the configuration was read anew; the field names what is in force in another form from now on: `keys`, `certificate`, `admin token`. Sessions stay.',
  },
  reload_failed: {
    level: 'error',
    meaning:
      'What was read anew, or the part that the field names, cannot be used; what was in force stays. Mend the file: it is read again then.',
  },
  restart_needed: {
    level: 'warn',
    meaning: 'These options have changed, and count from the next start on.',
  },
  draining: { level: 'info', meaning: 'Shutting down: clients are sent away, new ones refused.' },
  stopped: {
    level: 'info',
    meaning:
      'The last line: all parts are closed, but those that `stop_late` named, which were left behind.',
  },
  stop_late: {
    level: 'warn',
    meaning: 'A part did not stop in time and was left behind; the field names it.',
  },
  jwks_loaded: {
    level: 'info',
    meaning:
      'The JWK set at `POSTERN_JWKS` was fetched: for the first time, with other keys, or again.',
  },
  jwks_failed: {
    level: 'error',
    meaning:
      'The JWK set could not be fetched. It is tried again after the wait; the keys at hand, so many and so old, stay. While there are none, handshakes answer 503.',
  },
  jwks_key_refused: {
    level: 'warn',
    meaning: 'A key of the fetched JWK set cannot be used; the others can.',
  },
  session_started: { level: 'info', meaning: 'A client was let in.' },
  session_refreshed: {
    level: 'info',
    meaning:
      'A session goes on by another token of the same user; so many channels it may use now.',
  },
  refresh_refused: {
    level: 'info',
    audit: true,
    meaning:
      'The token by which a session would have gone on was refused; the fields say for which failure. The session stays until its end, unless the token is somebody else’s.',
  },
  session_ended: {
    level: 'info',
    audit: true,
    meaning: 'A connection ended: close code, whose doing, how many seconds it stood.',
  },
  handshake_refused: {
    level: 'info',
    audit: true,
    meaning: 'A client was not let in; the fields say for which failure and what was wrong.',
  },
  proxy_untrusted: {
    level: 'warn',
    meaning:
      '`Forwarded` or `X-Forwarded-*` came from a peer that `POSTERN_TRUSTED_PROXIES` does not list, and is ignored. If the field names a proxy of yours, list it: without that all its clients count as one address. If not, a client made it up. Said once.',
  },
  refresh_failed: {
    level: 'error',
    meaning: 'A fault of the gateway’s while it looked at a token: the session stays as it was.',
  },
  handshake_failed: { level: 'error', meaning: 'A bug: a handshake ended in an exception.' },
  preauth_granted: {
    level: 'info',
    meaning:
      'A page got its tickets. `ticket`: the auth cookie with a CSRF token, or an embed token.',
  },
  preauth_refused: {
    level: 'info',
    audit: true,
    meaning:
      'A page could not preauthenticate; the fields say for which failure and code. `more`: so many others in the second before are not written.',
  },
  auth_hook_failed: {
    level: 'error',
    meaning:
      '`POSTERN_AUTH_URL` gave no answer that can be used, and its page was refused with 503. Have it answer a GET within 2 s: 200 with the claims of the user as a JSON object of at most 64 KiB, or 401; nothing else, no redirect. `more`: so many others in the second before are not written.',
  },
  authenticate_failed: {
    level: 'error',
    meaning:
      'The `authenticate` of the embedding program threw, had no answer within 5 s, or gave something else than claims; its page was refused with 500.',
  },
  authorize_failed: {
    level: 'error',
    meaning:
      'The `authorize` of the embedding program threw, or had no answer within 5 s; its client was refused with 500.',
  },
  on_session_failed: {
    level: 'error',
    meaning: 'The `onSession` of the embedding program threw; the session goes on.',
  },
  message_failed: {
    level: 'error',
    meaning: 'A bug: a message ended in an exception, and its session with 1011.',
  },
  request_failed: {
    level: 'error',
    meaning: 'A plain request could not be answered: a file that cannot be read, or a bug.',
  },
  socket_error: { level: 'debug', meaning: 'A connection broke or its client broke RFC 6455.' },
  message_too_big: {
    level: 'info',
    meaning:
      'A message was too long: for NOTIFY, where `publication_tables_unavailable` was said, or with an envelope of more than 1 MiB. Its sender was told.',
  },
  message_not_sent: {
    level: 'warn',
    meaning:
      'Whether a message reached PostgreSQL is unknown, or it did not; its sender was told by its close code.',
  },
  meta_not_sent: { level: 'warn', meaning: 'The meta channel misses a message.' },
  database_retry: {
    level: 'warn',
    meaning: 'PostgreSQL cannot be reached; it is tried again after the wait.',
  },
  database_encoding: {
    level: 'warn',
    meaning: 'The database is not in UTF-8: texts it cannot hold will be refused.',
  },
  listener_lost: {
    level: 'error',
    meaning:
      'Notifications no longer arrive. `/readyz` says so, connections stay open and the listener reconnects.',
  },
  listener_check_failed: {
    level: 'warn',
    meaning: 'The nonce that proves the listener could not be sent on its usual connection.',
  },
  connection_lost: {
    level: 'warn',
    meaning: 'A connection to PostgreSQL broke; it is replaced.',
  },
  listener_restored: {
    level: 'info',
    meaning: 'Notifications arrive again. What was sent in between may be missing.',
  },
  replay_store_emptied: {
    level: 'warn',
    meaning:
      'PostgreSQL lost which tokens were used up, by a crash or a failover. Tokens that count once are refused when they were issued before the time in the field; clients that ask for new ones come in.',
  },
  replay_store_failed: {
    level: 'error',
    meaning:
      'Whether a token was used before cannot be told, so its handshake is refused with 503; `reason` says why. Said once, until it works again. With clocks that are too far apart, set them right by NTP.',
  },
  revocation_unavailable: {
    level: 'warn',
    meaning:
      'Nobody can be sent away by `postern.revoke` here: its table is not there (`POSTERN_MIGRATE=false`), may not be read, or is in a schema of somebody else’s; `reason` says which. `postern migrate` makes the table, and gives rights to it with `--grant`.',
  },
  sessions_revoked: {
    level: 'info',
    meaning:
      'What was revoked in the database has ended so many `sessions` here. Each has a `session_ended` of its own.',
  },
  presence_kept: {
    level: 'info',
    meaning:
      'From now on the view `postern.sessions` shows who is connected here, by the name in the field `gateway`, which each run has anew.',
  },
  presence_unavailable: {
    level: 'warn',
    meaning:
      'Who is connected here is not shown in `postern.sessions`; `reason` says why, `mend` what to do. Nothing else depends on it. It is tried again; said once, until it works.',
  },
  publication_tables_unavailable: {
    level: 'warn',
    meaning:
      'Messages with a key are refused (`keys_unavailable`), and so are those that NOTIFY does not carry, whose envelope is over 7,999 bytes (`too_big`, close 1009); `reason` says why, `mend` what to do. Others are not concerned. It is tried again; said once, until it works.',
  },
  payload_lost: {
    level: 'warn',
    meaning:
      'So many long `messages` could not be fetched from `postern.payload`; `reason` says why. Subscribers of their channels were told by a `gap`, on the raw protocol only where `POSTERN_RAW_GAP=close` is set. `not found`: somebody has notified a reference to nothing, or it took more than five minutes.',
  },
  publishing_waits: {
    level: 'warn',
    meaning:
      'PostgreSQL still carries out what it was sent before a connection broke, or stopped answering. What clients have published since waits for that, so that their order stays. It is over when that transaction is: look for it in `pg_stat_activity`, and end it by `pg_terminate_backend`.',
  },
  disconnection_unavailable: {
    level: 'warn',
    meaning:
      'No connection can be ended by `postern.disconnect` here, as the table that it writes to is not there, may not be read, or is in a schema of somebody else’s; `reason` says which. `postern migrate` makes the table, and gives rights to it with `--grant`.',
  },
  sessions_disconnected: {
    level: 'info',
    meaning:
      'An operator has ended so many `sessions` here (`postern.disconnect`); `reason` is what the operator gave as one. Each has a `session_ended` of its own.',
  },
  schema_migrated: {
    level: 'info',
    meaning: 'Migrations of the schema `postern` were run; the field names them.',
  },
  schema_newer: {
    level: 'info',
    meaning:
      'A later version migrated the schema `postern`: so far, as the field says. It is used as it is.',
  },
  schema_unusable: {
    level: 'warn',
    uncounted: true,
    meaning:
      'What is kept in the schema `postern` does not work; `found` says why, `mend` what to do. The raw protocol needs none of it. Said once, at the start; `POSTERN_MIGRATE=false` leaves the schema alone, and nothing is said.',
  },
  log_dropped: {
    level: 'warn',
    uncounted: true,
    meaning:
      'Nobody took the log for a while, or its disk was full: so many lines are missing before this one.',
  },
} as const satisfies Record<string, EventRow>;

/** The name of a row of {@link events}. */
export type EventName = keyof typeof events;
