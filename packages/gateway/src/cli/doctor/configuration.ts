import { loadConfig } from '../../config/load.ts';
import { optionRows } from '../../config/options.ts';
import { GatewayError } from '../../errors.ts';
import { bindsLoopback } from '../../loopback.ts';
import { ok, problem, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured } from './ground.ts';

/** What the configuration is read from. */
type Given = Pick<Configured, 'flags' | 'environment'>;

/** Reads the configuration: what was found, and what the other checks stand on, if it could be read. */
export function readConfiguration(given: Given): {
  readonly finding: Finding;
  readonly configured: Configured | undefined;
} {
  try {
    const loaded = loadConfig(given);
    const how = loaded.compatibilityStart
      ? 'a compatibility start (docs/migration.md)'
      : 'readable';
    return { finding: ok(how), configured: { ...loaded, ...given } };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const found = (error.detail ?? error.message).trim().replaceAll(/\n\s+/g, '\n');
    const mend = 'correct each of these; postern serve --help says what is expected';
    return { finding: problem(found, mend), configured: undefined };
  }
}

/** What can be set in good order, and is not meant so, most likely. */
export const configurationChecks: readonly Check<Configured>[] = [
  { name: 'variables', asks: 'POSTERN_ variables that are no option', run: variables },
  { name: 'ways-in', asks: 'whether a client can connect at all', run: waysIn },
  { name: 'plain-text', asks: 'tokens in paths that travel without TLS', run: plainText },
  { name: 'open-channels', asks: 'tokens that open any channel', run: openChannels },
  { name: 'origins', asks: 'whether any web page may connect', run: origins },
];

function variables({ unknownVariables }: Configured): Finding {
  if (unknownVariables.length === 0) return ok('each POSTERN_ variable is an option');
  const named = unknownVariables.map((name) => {
    const meant = nearest(name);
    return meant === undefined ? name : `${name} (${meant}?)`;
  });
  return warning(`no such option: ${named.join(', ')}`, 'correct the name, or remove it');
}

function waysIn({ options }: Configured): Finding {
  return options.urlTokens
    ? ok('tokens in the path')
    : warning('no client can connect: tokens in the path are off', 'set POSTERN_URL_TOKENS=true');
}

function plainText({ options }: Configured): Finding {
  if (!options.urlTokens) return ok('no tokens in paths');
  if (options.tlsCertificate !== undefined) return ok('tokens in paths travel by TLS');
  if (bindsLoopback(options.host))
    return ok('tokens in paths do not leave this machine unencrypted');
  return warning(
    `tokens in paths, without TLS, on ${options.host}: whoever is in between can read them`,
    'set POSTERN_TLS_CERTIFICATE and POSTERN_TLS_KEY; or let a proxy have TLS, and POSTERN_HOST=127.0.0.1 if it is on this machine',
  );
}

function openChannels({ options }: Configured): Finding {
  return options.openChannels
    ? warning(
        'a token without channel claims opens any channel',
        'name channels in every token, then set POSTERN_OPEN_CHANNELS=false',
      )
    : ok('a token opens the channels it names');
}

function origins({ options }: Configured): Finding {
  return options.allowedOrigins.length === 0
    ? warning(
        'any web page may connect, for whoever opens it and has a token',
        'list the origins of your pages in POSTERN_ALLOWED_ORIGINS',
      )
    : ok(`pages of ${options.allowedOrigins.join(', ')}`);
}

/** The option that was meant, if one is no more than three slips away. */
function nearest(name: string): string | undefined {
  const [best] = optionRows
    .map(({ env }) => ({ env, slips: distance(name, env) }))
    .toSorted((a, b) => a.slips - b.slips);
  return best !== undefined && best.slips <= 3 ? best.env : undefined;
}

/** Letters to insert, remove or replace to make one of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
