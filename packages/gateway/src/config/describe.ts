import { compatibleDefaults } from './compatibility.ts';
import type { Options, OptionRow } from './options.ts';
import { optionRows } from './options.ts';
import { Secret } from './secret.ts';

/** One line per option, for `postern serve --help`. */
export function optionHelp(): string {
  const width = Math.max(...optionRows.map((row) => row.flag.length)) + 4;
  return byGroup(([group, rows]) =>
    [
      `${group}:`,
      ...rows.map((row) => `  ${`--${row.flag}`.padEnd(width)}${plain(row)}${defaultOf(row)}`),
    ].join('\n'),
  ).join('\n\n');
}

/** The reference page, `docs/configuration.md`, whole but for its header. */
export function optionTables(): string {
  return byGroup(([group, rows]) =>
    [
      `## ${group}`,
      '',
      '| variable | default | meaning |',
      '|---|---|---|',
      ...rows.map((row) => `| ${names(row)} | ${markdownDefault(row)} | ${row.description} |`),
    ].join('\n'),
  ).join('\n\n');
}

/** Every option as a commented-out line of an environment file, `sample.env`. */
export function sampleEnvironment(): string {
  return byGroup(([group, rows]) =>
    [
      `# ${group}`,
      ...rows.flatMap((row) => ['', `## ${plain(row)}`, `#${row.env}=${text(row.fallback)}`]),
    ].join('\n'),
  ).join('\n\n');
}

/** The options in force as JSON, secrets masked, for `--print-config`. */
export function printConfig(options: Options): string {
  const shown = Object.entries(options).map(([name, value]) => [
    name,
    name === 'databaseUrl' && value instanceof Secret ? withoutPassword(value.reveal()) : value,
  ]);
  return JSON.stringify(Object.fromEntries(shown), undefined, 2);
}

/** A URL less its password and its parameters, which may hold one too. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return String(new Secret(url));
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  shown.search = '';
  return shown.href;
}

function byGroup<Result>(map: (group: [string, OptionRow[]]) => Result): Result[] {
  const groups = new Map<string, OptionRow[]>();
  for (const row of optionRows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups].map(map);
}

function names(row: OptionRow): string {
  return [row.env, ...row.aliases].map((name) => `\`${name}\``).join(', ');
}

function plain(row: OptionRow): string {
  return row.description.replaceAll('`', '');
}

function text(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value ?? '');
}

function defaultOf(row: OptionRow): string {
  return text(row.fallback) === '' ? '' : ` [${text(row.fallback)}]`;
}

function markdownDefault(row: OptionRow): string {
  const usual = text(row.fallback) === '' ? '–' : `\`${text(row.fallback)}\``;
  const compatible: Readonly<Record<string, unknown>> = compatibleDefaults;
  if (!(row.name in compatible)) return usual;
  const note = row.name === 'onListenerLoss' ? ' unless `PGWS_CHECK_LISTENER_INTERVAL` is set' : '';
  return `${usual} (compatibility start: \`${text(compatible[row.name])}\`${note})`;
}
