import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import type { Loaded } from '../config/load.ts';
import { optionRows } from '../config/options.ts';
import { environment } from '../config/sources.ts';
import type { Manual } from './manuals.ts';

/** What a command was called with, beside its name. */
export interface CommandLine {
  /** What is no flag, in order. */
  readonly words: readonly string[];
  /** Flags that are options of the gateway, by name, without dashes; `config` too. */
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Whether a flag of the command's own was given. */
  has(flag: string): boolean;
  /** Its value; of several the last. */
  one(flag: string): string | undefined;
  /** Its values, in order. */
  all(flag: string): readonly string[];
}

/**
 * Reads the arguments of a command, whose own flags its manual has; it takes the gateway's options
 * too, as it works with the same configuration. Throws on a flag that is neither. With `--help` it
 * says the manual and returns `undefined`: there is nothing more to do.
 */
export function readCommandLine(args: readonly string[], manual: Manual): CommandLine | undefined {
  const isSwitch = (name: string): boolean => manual.flags[name]?.value === undefined;
  const own = Object.keys(manual.flags).map((name) => [
    name,
    { type: isSwitch(name) ? ('boolean' as const) : ('string' as const), multiple: true },
  ]);
  const { values, positionals: words } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      config: { type: 'string' },
      ...Object.fromEntries(optionRows.map((row) => [row.flag, { type: 'string' as const }])),
      ...Object.fromEntries(own),
    },
  });
  const given: Readonly<Record<string, unknown>> = values;
  if (given['help'] === true) {
    console.log(manualText(manual));
    return undefined;
  }
  const all = (flag: string): readonly string[] => texts(given[flag]);
  const options = Object.entries(given).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    words,
    options: Object.fromEntries(options),
    has: (flag) => given[flag] !== undefined,
    one: (flag) => all(flag).at(-1),
    all,
  };
}

/** The configuration as the gateway itself would have it. Throws `POSTERN_CONFIG`. */
export function configuration({ options }: Pick<CommandLine, 'options'>): Loaded {
  return loadConfig({ flags: options, environment: environment() });
}

/** What `--help` says. */
export function manualText({ usage, summary, flags, exits }: Manual): string {
  const rows = Object.entries(flags).map(
    ([name, { value, meaning }]) =>
      [value === undefined ? `--${name}` : `--${name} ${value}`, meaning] as const,
  );
  rows.push(['--help', 'Say this']);
  return `Usage: ${usage.join('\n       ')}

${summary}

Flags:
${aligned(rows)}

Options of the gateway, such as --config and --database-url, count here as they do for postern
serve, as variables too: postern serve --help has them all.

Exit codes:
${aligned(Object.entries(exits))}`;
}

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, meaning]) => `  ${name.padEnd(width)}${meaning}`).join('\n');
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
