import { statSync } from 'node:fs';
import type { VerificationKey } from '../../auth/keys.ts';
import { optionRows } from '../../config/options.ts';
import { GatewayError } from '../../errors.ts';
import { keysFor } from '../../gateway.ts';
import { ok, problem, skipped, warning } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { Configured } from './ground.ts';
import { weaknessOf } from './secret-strength.ts';

/** Can the keys be used, can they be guessed, who can read them? */
export const keyChecks: readonly Check<Configured>[] = [
  { name: 'keys', asks: 'whether the keys can be used, and not guessed', run: keys },
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
