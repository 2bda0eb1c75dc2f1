/**
 * Writes the reference pages, and parts of pages, that are made from tables in the source: `npm run
 * docs`. With `--check` it writes nothing and fails when one is not what its table says: `npm run
 * docs:check`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { failures } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';
import { manualText } from '#gateway/cli/command-line.js';
import { doctorChecks } from '#gateway/cli/doctor/doctor.js';
import { manuals } from '#gateway/cli/manuals.js';
import { optionTables, sampleEnvironment } from '#gateway/config/describe.js';
import { events } from '#gateway/observe/events.js';
import type { EventRow } from '#gateway/observe/events.js';
import { metrics } from '#gateway/observe/metrics.js';
import type { Metric } from '#gateway/observe/metrics.js';

import { reportMarkdown } from '../bench/report/markdown.ts';
import { plotsOf } from '../bench/report/plots.ts';
import { publishedReport } from '../bench/report/results.ts';
import { measureClient, sizeTable } from './client-sizes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const commandParts: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(manuals).map(([name, manual]) => [name, block(manualText(manual))]),
  ),
  checks: checkTable(),
};

const sizes = await measureClient();
const published = publishedReport();
const plots = Object.fromEntries(
  Object.entries(published === undefined ? {} : plotsOf(published)).map(([name, plot]) => [
    `docs/${name}`,
    plot,
  ]),
);

const pages: Readonly<Record<string, string>> = {
  'docs/commands.md': Object.entries(commandParts).reduce(
    (text, [name, part]) => replacedPart('docs/commands.md', text, name, part),
    textOf('docs/commands.md') ?? '',
  ),
  'docs/configuration.md': `${generatedFrom('packages/gateway/src/config/options.ts')}
# Configuration

Every option can be set in three places; the first that names it counts:

1. **A flag**: \`--port 8080\`.
2. **An environment variable**: \`POSTERN_PORT=8080\`. The flag's name in capitals, after \`POSTERN_\`. One
   that is empty counts as not set. Some options have further names, given below in the order in which
   they are looked for; the \`PGWS_\` ones are those of postgres-websockets.
3. **A JSON file**: \`--config postern.json\` with \`{ "port": 8080 }\`. The flag's name in camel case.

A value that starts with \`@\` names a file and stands for what is in it: \`POSTERN_JWT_SECRET=@/run/secrets/jwt\`;
so does \`POSTERN_JWT_SECRET_FILE=/run/secrets/jwt\`. Lists are separated by commas. \`postern serve --print-config\`
says what is in force, secrets masked. What is not valid is reported by name, all at once and without
values, and ends the program with exit code 2.

When \`PGWS_JWT_SECRET\` is set, and neither \`POSTERN_JWT_SECRET\` nor \`POSTERN_JWKS\`, the program makes a
**compatibility start**: some options then have the default that postgres-websockets had
([migration](migration.md)).

${optionTables()}
`,
  'docs/failures.md': `${generatedFrom('packages/client/src/protocol/failures.ts')}
# Failures

Every way in which a handshake is refused or a connection is ended. A refused handshake is answered
with the HTTP status; an open connection is closed with the close code and the reason. Both are
constant texts: they never hold anything that a client sent. Where a token is refused, the raw
protocol answers 400 with the text of postgres-websockets instead ([protocol](protocol.md)).

A client that meets a close code it does not know goes by its range: 3000-3499 and 4000-4499 may
reconnect, 3500-3999 and 4500-4999 must not. Codes below 3000 keep the meaning of RFC 6455 and never
stand for authorisation. A deployment may have given other codes to those of 3000 and more
([\`POSTERN_CLOSE_CODES\`](configuration.md#running)); the name, which logs and metrics have, and the reason stay.

| name | HTTP | close | reason | code | reconnect | what happened, what to do |
|---|---|---|---|---|---|---|
${Object.entries<Failure>(failures).map(failureRow).join('\n')}
`,
  'docs/metrics.md': `${generatedFrom('packages/gateway/src/observe/metrics.ts')}
# Metrics

What \`/metrics\` on the [admin port](operating.md#metrics) tells, in the text format of Prometheus. Each series
is there from the start, with 0. No label names a channel, a user or an address. Alarms worth having
stand in [operating](operating.md#alarms).

| metric | type | labels | meaning |
|---|---|---|---|
${Object.values<Metric>(metrics).map(metricRow).join('\n')}

Beside these: what the library \`prom-client\` tells of the process and of Node, \`process_…\` and
\`nodejs_…\`, memory, CPU time, descriptors, garbage collection and the lag of the event loop among it.
Gateways in one process share them.
`,
  'docs/operating.md': withPart('docs/operating.md', 'events', eventTable()),
  'docs/performance.md': withPart(
    'docs/performance.md',
    'bench',
    published === undefined ? 'None are published yet.' : reportMarkdown(published),
  ),
  ...plots,
  'packages/client/README.md': withPart(
    'packages/client/README.md',
    'sizes',
    sizeTable(sizes, partOf('packages/client/README.md', 'sizes')),
  ),
  'sample.env': `# Made by \`npm run docs\` from packages/gateway/src/config/options.ts. Explained in docs/configuration.md.

${sampleEnvironment()}
`,
};

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
if (values.check) check();
else write();

function check(): void {
  const stale = Object.keys(pages).filter((path) => textOf(path) !== pages[path]);
  if (stale.length === 0) return;
  console.error(`Not what the source says: ${stale.join(', ')}. Mended by: npm run docs`);
  process.exitCode = 1;
}

function write(): void {
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function generatedFrom(source: string): string {
  return `<!-- Made by \`npm run docs\` from ${source}: change it there. -->\n`;
}

/** A page with the lines between its markers, `<!-- name … -->` and `<!-- /name -->`, made anew. */
function withPart(path: string, name: string, part: string): string {
  return replacedPart(path, textOf(path) ?? '', name, part);
}

function replacedPart(path: string, text: string, name: string, part: string): string {
  const marked = markersOf(name);
  if (!marked.test(text)) throw new Error(`${path} has no markers for ${name}`);
  return text.replace(
    marked,
    (_all, start: string, _old, end: string) => `${start}\n${part}\n\n${end}`,
  );
}

/** What stands between the markers now. */
function partOf(path: string, name: string): string {
  return (
    markersOf(name)
      .exec(textOf(path) ?? '')?.[2]
      ?.trim() ?? ''
  );
}

function markersOf(name: string): RegExp {
  return new RegExp(`(<!-- ${name}\\b[^>]*-->\n)([^]*)(<!-- /${name} -->)`);
}

function block(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}

function checkTable(): string {
  const rows = doctorChecks.map(({ name, asks }) => `| \`${name}\` | ${asks} |`);
  return ['| check | what is asked |', '|---|---|', ...rows].join('\n');
}

function eventTable(): string {
  const rows = Object.entries<EventRow>(events).map(
    ([name, { level, audit, meaning }]) =>
      `| \`${name}\` | ${level}${audit === true ? ', audit' : ''} | ${meaning} |`,
  );
  return ['| event | level | meaning |', '|---|---|---|', ...rows].join('\n');
}

function metricRow(metric: Metric): string {
  const type = metric.type === 'info' ? 'gauge' : metric.type;
  return `| \`${metric.name}\` | ${type} | ${labelsOf(metric) || '–'} | ${metric.help} |`;
}

function labelsOf(metric: Metric): string {
  const quoted = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');
  if (metric.type === 'info') return quoted(metric.labels);
  if (metric.type !== 'counter') return '';
  return Object.entries(metric.labels ?? {})
    .map(([label, values]) => `\`${label}\`: ${quoted(values)}`)
    .join('; ');
}

function failureRow([name, failure]: readonly [string, Failure]): string {
  const { http, close, reason, code, finerCodes = [], retry, advice } = failure;
  const codes = [...(code === undefined ? [] : [code]), ...finerCodes];
  const codeCell = codes.map((text) => `\`${text}\``).join(' ');
  const cells = [`\`${name}\``, http, close, reason, codeCell, retry, advice];
  return `| ${cells.map((cell) => cell || '–').join(' | ')} |`;
}
