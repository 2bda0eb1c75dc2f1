import type { EventName } from '#gateway/observe/events.js';
import { createLog } from '#gateway/observe/log.js';
import type { Fields, Log } from '#gateway/observe/log.js';

import { gather, isGathering } from './evidence-files.ts';

/** What is shorter can turn up by chance, or is written down in every documentation. */
const SHORTEST_SECRET = 16;

const known = new Set<string>();

/** Remembers that this must be in no log; of a token, every part that only its holder knows. */
export function keepSecret(secret: string): void {
  const [, ...parts] = secret.split('.');
  for (const part of [secret, ...parts]) {
    if (!isGathering || !isSecret(part) || known.has(part)) continue;
    known.add(part);
    gather('secrets', `${part}\n`, process.pid);
  }
}

/** Remembers every token in a text: in an answer, say, or in its Set-Cookie. */
export function keepTokensIn(text: string): void {
  for (const [token] of text.matchAll(/ey[\w-]+\.[\w-]+\.[\w-]+/g)) keepSecret(token);
}

/** Remembers what is secret in the options of a gateway: by their names, and in URLs. */
export function keepSecretsOf(environment: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value = ''] of Object.entries(environment)) {
    // A path of a file is no secret.
    if (/SECRETS?$|TOKEN$|PASSWORD$/.test(name) && !value.startsWith('@'))
      for (const part of value.split(/[,:]/)) keepSecret(part);
    if (URL.canParse(value)) keepSecret(decodeURIComponent(new URL(value).password));
  }
}

/** The log of a gateway under test: what it is told is written as its users read it, at `trace`. */
export function heard(log: Log = () => {}): Log {
  if (!isGathering) return log;
  return (event, fields) => {
    write(event, fields);
    log(event, fields);
  };
}

let writer: Log | undefined;

function write(event: EventName, fields: Fields | undefined): void {
  const destination = { write: (line: string) => gather('said', line, process.pid) };
  writer ??= createLog({ level: 'trace', format: 'json', destination });
  writer(event, fields);
}

function isSecret(part: string): boolean {
  return part.length >= SHORTEST_SECRET && !part.includes('\n');
}
