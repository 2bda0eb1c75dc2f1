import { GatewayError } from '../errors.ts';
import { bindsLoopback } from '../loopback.ts';
import type { RawOptions } from './compatibility.ts';
import { compatibleDefaults, isCompatibilityStart, isSet, translations } from './compatibility.ts';
import type { OptionProblem, OptionRow, Options } from './options.ts';
import { optionRows, parseOptions } from './options.ts';
import type { Environment } from './sources.ts';
import { configurationFile, namedFile, resolveFile } from './sources.ts';

/** Where options come from. The first named wins: flags, environment, configuration file. */
export interface Sources {
  /** Command-line flags by name, without dashes; `config` is the configuration file's path. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly environment?: Environment;
}

/** The configuration in force, and what is worth saying about how it came to be. */
export interface Loaded {
  readonly options: Options;
  /** Started with the variables of postgres-websockets: see `docs/migration.md`. */
  readonly compatibilityStart: boolean;
  /** `POSTERN_*` variables that are no option: misspelt, most likely. */
  readonly unknownVariables: readonly string[];
  /** The paths of every file that something of it came from, or comes from: each once. */
  readonly files: readonly string[];
}

/**
 * Reads, merges and checks every option. Throws one `POSTERN_CONFIG` error with a line for each
 * problem: where the option was set and what was expected, never the value, which may be a secret.
 */
export function loadConfig({ flags = {}, environment = {} }: Sources): Loaded {
  const compatibilityStart = isCompatibilityStart(environment);
  const collected = new Collected();
  if (compatibilityStart) collected.add('', compatibleDefaults);
  if (flags['config'] !== undefined) collectFile(collected, flags['config']);
  for (const row of optionRows) collectVariable(collected, row, environment);
  for (const row of optionRows) collectFlag(collected, row, flags);

  const parsed = parseOptions(collected.values);
  const found = 'problems' in parsed ? parsed.problems : [];
  const problems = [...collected.problems, ...explain(found, collected)];
  const { tlsKey, tlsCertificate } = collected.values;
  if ((tlsKey === undefined) !== (tlsCertificate === undefined))
    problems.push('POSTERN_TLS_CERTIFICATE, POSTERN_TLS_KEY: one needs the other');
  if ('options' in parsed && isOpenToAll(parsed.options))
    problems.push('POSTERN_ADMIN_HOST: an address that others can reach needs POSTERN_ADMIN_TOKEN');

  if ('problems' in parsed || problems.length > 0)
    throw new GatewayError('POSTERN_CONFIG', {
      detail: ['', ...problems].join('\n  '),
    });
  return {
    options: parsed.options,
    compatibilityStart,
    unknownVariables: unknownVariables(environment),
    files: filesOf(collected, parsed.options),
  };
}

function filesOf({ files }: Collected, { tlsCertificate, tlsKey }: Options): readonly string[] {
  return [...new Set([...files, tlsCertificate, tlsKey].filter((path) => path !== undefined))];
}

/** Whether the admin port would answer anybody on the network. */
function isOpenToAll({ adminHost, adminPort, adminToken }: Options): boolean {
  return adminPort !== 'off' && adminToken === undefined && !bindsLoopback(adminHost);
}

/** Option values as given, each with the name it was given by, and what went wrong on the way. */
class Collected {
  readonly values: RawOptions = {};
  readonly givenBy = new Map<string, string>();
  readonly problems: string[] = [];
  readonly files: string[] = [];

  add(source: string, values: RawOptions): void {
    Object.assign(this.values, values);
    for (const name of Object.keys(values)) this.givenBy.set(name, source);
  }

  /** Adds one text, which may name a file. */
  addText(source: string, row: OptionRow, text: string): void {
    const path = namedFile(text);
    if (path !== undefined) this.files.push(path);
    try {
      const value = resolveFile(text);
      this.add(source, translations[source]?.(value) ?? { [row.name]: value });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      this.problems.push(`${source}: the file it names cannot be read${code}`);
    }
  }
}

function collectFile(collected: Collected, path: string): void {
  collected.files.push(path);
  for (const [name, value] of Object.entries(configurationFile(path))) {
    const row = optionRows.find((candidate) => candidate.name === name);
    if (row !== undefined && typeof value === 'string') collected.addText(name, row, value);
    else collected.add(name, { [name]: value });
  }
}

function collectVariable(collected: Collected, row: OptionRow, environment: Environment): void {
  const file = `${row.env}_FILE`;
  const source = [row.env, file, ...row.aliases].find((name) => isSet(environment[name]));
  const value = source === undefined ? undefined : environment[source];
  if (source === undefined || value === undefined) return;
  collected.addText(source, row, source === file ? `@${value}` : value);
}

function collectFlag(
  collected: Collected,
  row: OptionRow,
  flags: Readonly<Record<string, string | undefined>>,
): void {
  const value = flags[row.flag];
  if (value !== undefined) collected.addText(`--${row.flag}`, row, value);
}

/** A line for each problem that the option table found. */
function explain(problems: readonly OptionProblem[], collected: Collected): string[] {
  return problems.map(({ name, message }) => {
    const row = optionRows.find((candidate) => candidate.name === name);
    return `${collected.givenBy.get(name) || row?.env || name}: ${message}`;
  });
}

function unknownVariables(environment: Environment): string[] {
  const known = new Set(optionRows.flatMap((row) => [row.env, `${row.env}_FILE`]));
  return Object.keys(environment).filter((name) => name.startsWith('POSTERN_') && !known.has(name));
}
