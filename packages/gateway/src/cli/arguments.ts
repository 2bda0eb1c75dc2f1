import { parseArgs } from 'node:util';
import { optionRows } from '../config/options.ts';
import { optionHelp } from '../config/describe.ts';

/** What a command was called with. */
export interface Arguments {
  /** Flags by name, without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly help: boolean;
  readonly printConfig: boolean;
}

/** Parses the flags of a command that starts the gateway. Throws on an unknown one. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      'print-config': { type: 'boolean', default: false },
      config: { type: 'string' },
      ...Object.fromEntries(optionRows.map((row) => [row.flag, { type: 'string' as const }])),
    },
  });
  const { help, 'print-config': printConfig, ...rest } = values;
  const flags = Object.entries(rest).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    flags: Object.fromEntries(flags),
    help: help === true,
    printConfig: printConfig === true,
  };
}

/** The help text of such a command. */
export function commandHelp(usage: string, summary: string): string {
  return `Usage: ${usage} [options]

${summary}

Flags win over environment variables, these over the file. Each flag is also a variable: --port is
POSTERN_PORT. A value that starts with @ names a file that holds it. Defaults are in brackets.

General:
  --config FILE       Options from a JSON file, by their names: { "port": 3000 }
  --print-config      Say what is in force, secrets masked, and end
  --help              Say this

${optionHelp()}`;
}
