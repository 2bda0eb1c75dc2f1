import { statSync } from 'node:fs';
import { fetchJwks, jwksUrl } from '../../auth/jwks.ts';
import type { VerificationKey } from '../../auth/keys.ts';
import { optionRows } from '../../config/options.ts';
import { GatewayError } from '../../errors.ts';
import { keysFor } from '../../verification.ts';
import { ok, problem, skipped, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured } from './ground.ts';
import { weaknessOf } from './secret-strength.ts';

/** Can the keys be used, can they be guessed, who can read them? */
export const keyChecks: readonly Check<Configured>[] = [
  { name: 'keys', asks: 'whether the keys can be used, and not guessed', run: keys },
  { name: 'jwks', asks: 'whether the JWK set at a URL can be fetched', run: jwks },
  { name: 'key-files', asks: 'files with secrets that every account can read', run: keyFiles },
];

const STRONGER = 'make a new one, here and where tokens are issued: openssl rand -base64 48';

function keys({ options }: Configured): Finding {
  let loaded: readonly VerificationKey[];
  try {
    loaded = keysFor(options);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const [found = '', ...mend] = (error.detail ?? '').split(': ');
    return problem(found, mend.join(': '));
  }
  if (loaded.length === 0) return skipped('they are fetched: see jwks');
  const weaknesses = loaded
    .filter(({ key }) => key.type === 'secret')
    .map(({ key }) => weaknessOf(key.export()))
    .filter((weakness) => weakness !== undefined);
  const known = weaknesses.find(({ guessed }) => guessed);
  if (known !== undefined) return problem(`the HMAC secret ${known.what}`, STRONGER);
  const [weak] = weaknesses;
  if (weak !== undefined) return warning(`the HMAC secret ${weak.what}`, STRONGER);

  const nameless = loaded.filter(({ kid }) => kid === undefined).length;
  if (loaded.length > 1 && nameless > 0)
    return warning(
      `${nameless} of ${loaded.length} keys without kid: each is tried with every token`,
      'give every key of the set a kid, and tokens that of theirs',
    );
  return ok(`${loaded.map(described).join(', ')}`);
}

/** How long the issuer may take. */
const FETCH_MS = 5_000;

async function jwks({ options }: Configured): Promise<Finding> {
  let url: URL | undefined;
  try {
    url = jwksUrl(options.jwks?.reveal());
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return skipped('its URL cannot be used: see keys');
  }
  if (url === undefined) return skipped('POSTERN_JWKS names no URL');

  const fetched = await fetchJwks(url, AbortSignal.timeout(FETCH_MS));
  if ('problem' in fetched)
    return problem(
      `the JWK set could not be fetched: ${fetched.problem}`,
      'see that the issuer answers at this URL, from this machine, with a certificate that is trusted here',
    );
  const found = `fetched: ${fetched.keys.map(described).join(', ')}`;
  const [refused] = fetched.refused;
  if (refused === undefined) return ok(found);
  return warning(
    `${found}; ${fetched.refused.length} more cannot be used, the first: key ${refused.position} ${refused.why}`,
    'mend them at the issuer, or expect their tokens to be refused',
  );
}

function described({ key, kid }: VerificationKey): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  const size =
    key.type === 'secret'
      ? `secret of ${key.symmetricKeySize ?? 0} bytes`
      : [key.asymmetricKeyType, modulusLength, namedCurve].filter(Boolean).join(' ');
  return kid === undefined ? size : `${size} (${kid})`;
}

/** Options whose files nobody else should read. */
const SECRET_FILES: ReadonlySet<string> = new Set(['databaseUrl', 'jwtSecret']);

/** The permission bit of everybody who is neither owner nor of the group. */
const OTHERS_READ = 0o004;

function keyFiles({ options, flags, environment }: Configured): Finding {
  const named = optionRows
    .filter(({ name }) => SECRET_FILES.has(name))
    .flatMap(({ env, aliases, flag }) => {
      const values = [flags[flag], ...[env, ...aliases].map((name) => environment[name])];
      const paths = values
        .filter((value) => value?.startsWith('@'))
        .map((value) => value?.slice(1));
      return [...paths, environment[`${env}_FILE`]].map((path) => ({ option: env, path }));
    });
  const files = [...named, { option: 'POSTERN_TLS_KEY', path: options.tlsKey }].filter(
    (file): file is { option: string; path: string } => (file.path ?? '') !== '',
  );
  if (files.length === 0) return skipped('no secret comes from a file');
  const open = files.filter(({ path }) => isOpen(path)).map(({ option }) => option);
  return open.length === 0
    ? ok('not every account can read them')
    : warning(
        `every account of this machine can read the file of ${open.join(', ')}`,
        'chmod o-r it',
      );
}

function isOpen(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (stats.mode & OTHERS_READ) !== 0;
}
