import { GatewayError } from '../errors.ts';
import { version } from '../version.ts';
import { CommandError } from './command-error.ts';

interface Command {
  readonly summary: string;
  /** Loaded only when it is asked for: `--help` and `--version` need none of it. */
  readonly load: () => Promise<(args: readonly string[]) => Promise<void>>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'Run the gateway, configured by environment, flags and file',
    load: async () => (await import('./serve.ts')).serve,
  },
  dev: {
    summary: 'Try it out: an embedded PostgreSQL, made-up keys and a page, on loopback only',
    load: async () => (await import('./dev.ts')).dev,
  },
  doctor: {
    summary: 'Say what is wrong with this configuration and database, and what mends it',
    load: async () => (await import('./doctor/doctor.ts')).doctor,
  },
  migrate: {
    summary: 'Bring the tables of this version into the database',
    load: async () => (await import('./migrate.ts')).migrate,
  },
  token: {
    summary: 'Sign a token (mint), or say why one is refused (explain)',
    load: async () => (await import('./token/token.ts')).token,
  },
  tail: {
    summary: 'Print what is sent to channels',
    load: async () => (await import('./tail.ts')).tail,
  },
  publish: {
    summary: 'Send a message to a channel',
    load: async () => (await import('./publish.ts')).publish,
  },
};

const help = `postern ${version()}: the gate between PostgreSQL and WebSockets

Usage: postern <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`)
  .join('\n')}

Options:
  --help     Say this, or what a command takes: postern serve --help, postern help serve
  --version  Say the version`;

/** Exit code for what was called or configured wrongly; 1 stands for what then went wrong. */
const USAGE = 2;

/** What starting again cannot mend. */
const MISTAKES: ReadonlySet<string> = new Set(['POSTERN_CONFIG', 'POSTERN_KEYS']);

async function main(args: readonly string[]): Promise<void> {
  // `help tail` is `tail --help`.
  const [name, ...rest] =
    args[0] === 'help' && args.length > 1 ? [...args.slice(1), '--help'] : args;
  if (name === '--version' || name === '-v') {
    console.log(version());
    return;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help);
    process.exitCode = name === undefined ? USAGE : 0;
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`postern: there is no command "${name}"\n\n${help}`);
    process.exitCode = USAGE;
    return;
  }
  const run = await command.load();
  await run(rest);
}

/** Errors of ours are for people; anything else is a bug, and its stack helps to find it. */
function fail(error: unknown): void {
  const isUsage =
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS');
  const isOurs = error instanceof GatewayError || error instanceof CommandError;
  if (isUsage) console.error(`postern: ${error.message}. See: postern --help`);
  else console.error('postern:', isOurs ? error.message : error);
  process.exit(isUsage ? USAGE : exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof GatewayError && MISTAKES.has(error.code) ? USAGE : 1;
}

main(process.argv.slice(2)).catch(fail);
