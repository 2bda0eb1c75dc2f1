import { parseToken } from '../../auth/token.ts';
import { createUnsignedVerifier, createVerifier } from '../../auth/verify.ts';
import type { Log } from '../../observe/log.ts';
import { claimRulesFor, keyRingFor } from '../../verification.ts';
import { CommandError } from '../command-error.ts';
import { configuration, readCommandLine } from '../command-line.ts';
import { explainToken } from '../explain-token.ts';
import type { Explanation } from '../explain-token.ts';
import { manuals } from '../manuals.ts';
import { markedRows } from '../marked.ts';
import type { Mark } from '../marked.ts';
import { standardInput } from '../terminal.ts';
import { narrate } from './narrate.ts';
import type { NarratedStep } from './narrate.ts';

const marks: Readonly<Record<NarratedStep['outcome'], Mark>> = {
  passed: 'good',
  failed: 'bad',
  'not checked': 'warning',
  'not reached': 'none',
};

/** `postern token explain`. */
export async function explain(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.tokenExplain);
  if (line === undefined) return;
  const [given, ...more] = line.words;
  if (given === undefined || more.length > 0)
    throw new CommandError(2, 'give one token, or - to read it from standard input');

  const token = given === '-' ? (await standardInput()).trim() : given;
  const { options } = configuration(line);
  const isKeyless = options.jwtSecret === undefined && options.jwks === undefined;
  const source = isKeyless ? undefined : keyRingFor(options, sayWhatFailed);
  source?.start();
  const rules = claimRulesFor(options);
  const verify =
    source === undefined ? createUnsignedVerifier(rules) : createVerifier({ source, ...rules });
  const channel = line.one('channel');
  const nowSeconds = Date.now() / 1000;

  const { openChannels, channelPatterns } = options;
  const gate = { verify, openChannels, channelPatterns };
  const { verdict } = await explainToken(gate, { token, channel, nowSeconds });
  source?.stop();
  const keys = source?.keys;
  const parsed = parseToken(token);
  const subject =
    'token' in parsed ? { token: parsed.token, keys, rules, channel, nowSeconds } : undefined;
  const steps = narrate(verdict, subject);

  // Whoever asks without keys learns a lot, but not that the token is good.
  const letIn = verdict.status === 101 && keys !== undefined;
  console.log(
    line.has('json') ? JSON.stringify({ letIn, verdict, steps }) : told(steps, verdict, letIn),
  );
  process.exitCode = letIn ? 0 : 1;
}

/** Why keys of a set at a URL are missing: the answer shows those that came. */
const sayWhatFailed: Log = (event, fields = {}) => {
  const { host, reason, position, why } = fields;
  if (event === 'jwks_failed')
    console.error(`postern: the JWK set at ${String(host)} cannot be fetched: ${String(reason)}`);
  if (event === 'jwks_key_refused')
    console.error(`postern: key ${String(position)} of the JWK set cannot be used: ${String(why)}`);
};

function told(
  steps: readonly NarratedStep[],
  verdict: Explanation['verdict'],
  letIn: boolean,
): string {
  const rows = steps.map(({ step: name, outcome, found: text }) => ({
    mark: marks[outcome],
    name,
    text,
  }));
  return `${markedRows(rows)}\n\n${conclusion(verdict, letIn)}`;
}

function conclusion(verdict: Explanation['verdict'], letIn: boolean): string {
  if (verdict.status !== 101)
    return `Refused: a handshake is answered ${verdict.status} ${verdict.text}`;
  const { readable, writable } = verdict.grant;
  const does = [
    readable.length === 0 ? '' : `reads ${readable.join(', ')}`,
    writable.length === 0 ? '' : `writes ${writable.join(', ')}`,
  ].filter((text) => text !== '');
  const until =
    verdict.expiresAt === undefined
      ? 'for ever'
      : `until ${new Date(verdict.expiresAt * 1000).toISOString()}`;
  const grant = `${does.join('; ')}; ${until}`;
  return letIn
    ? `Let in: ${grant}`
    : `Not decided, as there are no keys: set POSTERN_JWT_SECRET or POSTERN_JWKS. With the right signature: ${grant}`;
}
