import { GatewayError } from '../errors.ts';
import { version } from '../version.ts';

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
};

const help = `postern ${version()}: the gate between PostgreSQL and WebSockets

Usage: postern <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`)
  .join('\n')}

Options:
  --help     Say this, or what a command takes: postern serve --help
  --version  Say the version`;

/** Exit code for what was called or configured wrongly; 1 stands for what then went wrong. */
const USAGE = 2;

/** What starting again cannot mend. */
const MISTAKES: ReadonlySet<string> = new Set(['POSTERN_CONFIG', 'POSTERN_KEYS']);

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
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
  const isOurs = error instanceof GatewayError;
  if (isUsage) console.error(`postern: ${error.message}. See: postern --help`);
  else console.error('postern:', isOurs ? error.message : error);
  process.exit(isUsage || (isOurs && MISTAKES.has(error.code)) ? USAGE : 1);
}

main(process.argv.slice(2)).catch(fail);
