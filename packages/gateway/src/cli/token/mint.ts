import { readFileSync } from 'node:fs';
import { readSigningKey, signClaims } from '../../auth/sign.ts';
import type { SigningKey } from '../../auth/sign.ts';
import { keysFor } from '../../verification.ts';
import { CommandError } from '../command-error.ts';
import { configuration, readCommandLine } from '../command-line.ts';
import type { CommandLine } from '../command-line.ts';
import { manuals } from '../manuals.ts';
import { claimsFrom } from './claims.ts';

/** A token that lives longer can hardly be taken back. */
const LONG_SECONDS = 86_400;

/** `postern token mint`. */
export async function mint(args: readonly string[]): Promise<void> {
  const line = readCommandLine(args, manuals.tokenMint);
  if (line === undefined) return;
  if (line.words.length > 0)
    throw new CommandError(2, 'mint takes flags only: postern token mint --help');

  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = claimsFrom(line, nowSeconds);
  const signingKey = keyFrom(line);
  const alg = line.one('alg') ?? signingKey.algorithms[0];
  if (!signingKey.algorithms.includes(alg))
    throw new CommandError(2, `--alg: this key signs ${signingKey.algorithms.join(', ')}`);

  const warning = lifeWarning(claims['exp'], nowSeconds);
  if (warning !== undefined) console.error(`postern: ${warning}`);
  console.log(
    await signClaims(claims, { ...signingKey, kid: line.one('kid') ?? signingKey.kid }, alg),
  );
}

/** The key that `--key` names, or the secret that the gateway is configured with. */
function keyFrom(line: CommandLine): SigningKey {
  const path = line.one('key');
  if (path === undefined) return configuredSecret(line);

  const read = readSigningKey(textOf(path));
  if ('problem' in read) throw new CommandError(1, `the key in --key ${read.problem}`);
  return read.signingKey;
}

function configuredSecret(line: CommandLine): SigningKey {
  const { options } = configuration(line);
  if (options.jwtSecret === undefined && options.jwks === undefined)
    throw new CommandError(
      1,
      'there is no key to sign with: set POSTERN_JWT_SECRET to the HMAC secret of your tokens, or name the file of a private key by --key',
    );
  for (const { key, kid, algorithms } of keysFor(options)) {
    const [first, ...others] = algorithms;
    if (key.type === 'secret' && first !== undefined)
      return { key, kid, algorithms: [first, ...others] };
  }
  throw new CommandError(
    1,
    'the configured keys are public: they verify and cannot sign. Name the file of the private key, PEM or JWK, by --key',
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new CommandError(1, `the file that --key names cannot be read${code}`, { cause });
  }
}

function lifeWarning(exp: unknown, nowSeconds: number): string | undefined {
  if (exp === undefined)
    return 'this token never expires: whoever finds it may use it for ever, and a gateway takes it with POSTERN_REQUIRE_EXP=false only';
  if (typeof exp === 'number' && exp - nowSeconds > LONG_SECONDS)
    return `this token lives for ${Math.round((exp - nowSeconds) / 86_400)} days: whoever finds it may use it so long`;
  return undefined;
}
