/** A flag of a command's own. */
interface Flag {
  /** What stands for its value in the help; without one it is on or off. */
  readonly value?: string;
  readonly meaning: string;
}

/** What there is to say about calling a command. */
export interface Manual {
  readonly usage: readonly string[];
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly exits: Readonly<Record<number, string>>;
}

const CALLED_WRONGLY = 'called or configured wrongly';

/**
 * The commands that do one thing and end, or watch: their `--help`, and `docs/commands.md`, are made
 * from this table.
 */
export const manuals = {
  doctor: {
    usage: ['postern doctor [options]'],
    summary: `Looks for what would keep the gateway from working as it is configured here: configuration, keys,
certificate, port, database. Says what it found and what mends it. It changes nothing.`,
    flags: { json: { meaning: 'Say it as one JSON object' } },
    exits: {
      0: 'no problem; there may be warnings',
      1: 'a problem: the gateway would not start, or not work',
      2: 'called wrongly, or the configuration cannot be read: nothing else was looked at',
    },
  },
  migrate: {
    usage: ['postern migrate [options]'],
    summary: `Runs the migrations that the schema postern of this database has not had: all of them or none. With
POSTERN_MIGRATE postern serve does it at its start; this is for who keeps its role from that.`,
    flags: {
      'dry-run': { meaning: 'Print the SQL that would run, and change nothing' },
      grant: { value: 'ROLE', meaning: 'Give a gateway’s role its rights, too; may be repeated' },
    },
    exits: {
      0: 'nothing is pending any more, or, with --dry-run, it was printed',
      1: 'it could not be done, and nothing was changed',
      2: CALLED_WRONGLY,
    },
  },
  tokenMint: {
    usage: ['postern token mint --channels NAME,… [options]'],
    summary: `Signs a token with the configured HMAC secret, or with a private key, and prints it, alone.`,
    flags: {
      channels: { value: 'NAME,…', meaning: 'Channels it opens: the claim channels' },
      mode: { value: 'MODE', meaning: 'r, w or rw [r]' },
      sub: { value: 'TEXT', meaning: 'Whom it is for' },
      expires: { value: 'TIME', meaning: 'Life of it: 90s, 15m, 1h, 7d, or never [1h]' },
      claim: { value: 'NAME=VALUE', meaning: 'One more claim, JSON or text; may be repeated' },
      key: { value: 'FILE', meaning: 'Private key to sign with, PEM or JWK' },
      alg: { value: 'NAME', meaning: 'Algorithm, of those that the key can [the first]' },
      kid: { value: 'TEXT', meaning: 'Key ID for the header [that of the JWK]' },
    },
    exits: {
      0: 'the token is printed',
      1: 'there is no key that signs',
      2: CALLED_WRONGLY,
    },
  },
  tokenExplain: {
    usage: ['postern token explain TOKEN|- [options]'],
    summary: `Says step by step what a handshake would find out about a token. With - it is read from standard
input, which keeps it out of the history of the shell. Without keys its signature is not checked.
A JWK set at a URL is fetched; standard error says when that fails.`,
    flags: {
      channel: { value: 'NAME', meaning: 'As if the path named this channel' },
      json: { meaning: 'Say it as one JSON object' },
    },
    exits: {
      0: 'the token would be let in',
      1: 'it would be refused, or there are no keys to tell by',
      2: CALLED_WRONGLY,
    },
  },
  tail: {
    usage: ['postern tail CHANNEL… [options]', 'postern tail --all [options]'],
    summary: `Prints what is sent to channels, a line for each message, until Ctrl-C: its payload, or with --json
all that the notification held. After a break it comes back and says on standard error that there was one.`,
    flags: {
      all: { meaning: 'Every channel' },
      json: { meaning: 'The notification, as one line of JSON' },
    },
    exits: {
      0: 'ended by Ctrl-C, or by who read its output',
      1: 'the database cannot be used',
      2: CALLED_WRONGLY,
    },
  },
  publish: {
    usage: ['postern publish CHANNEL PAYLOAD|- [options]'],
    summary: `Sends one message to the clients of a channel, in the envelope of a client's message, with empty
claims. With - the payload is read from standard input, whole.`,
    flags: {},
    exits: {
      0: 'PostgreSQL has committed it',
      1: 'it was not sent, or that is not known; standard error says which',
      2: CALLED_WRONGLY,
    },
  },
} as const satisfies Readonly<Record<string, Manual>>;
