/**
 * Makes the bundles of `@postern/client`: `npm run bundles [-- --into FOLDER]`, by default into its `dist`.
 * npm does it before it packs the package.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { clientFolder, es5Script, moduleBundle } from './client-bundles.ts';

const { values } = parseArgs({ options: { into: { type: 'string' } } });
const folder = resolve(values.into ?? join(clientFolder, 'dist'));

mkdirSync(folder, { recursive: true });
const [module, script] = await Promise.all([moduleBundle(), es5Script()]);
put('postern.js.map', module.map);
put('postern.js', `${module.code}//# sourceMappingURL=postern.js.map\n`);
put('postern.es5.js', `${script}\n`);

/** At once, and only what is new, as somebody may be packing what is there. */
function put(name: string, text: string): void {
  const path = join(folder, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}
