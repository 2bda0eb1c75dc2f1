import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { TestFile } from './test-files.ts';

/**
 * What the runner is to start for these files, by their paths: each has a process of its own, but the unit
 * tests of one folder share one. Most take less time than a process takes to start.
 */
export function processesOf(files: readonly TestFile[], root: string): readonly string[] {
  const units = files.filter(({ isUnit }) => isUnit);
  const shared = new Map<string, TestFile[]>();
  for (const file of units) {
    const folder = folderOf(file);
    shared.set(folder, [...(shared.get(folder) ?? []), file]);
  }
  return [
    ...files.filter(({ isUnit }) => !isUnit).map(({ built }) => built),
    ...[...shared].map(([folder, together]) => entryFor(folder, together, root)),
  ];
}

/** `packages/gateway/test/auth`, however deep the file lies in there. */
function folderOf({ source }: TestFile): string {
  return dirname(source).split('/').slice(0, 4).join('/');
}

/** A file that is all of these. */
function entryFor(folder: string, files: readonly TestFile[], root: string): string {
  const entry = `build/unit-tests/${folder.replaceAll('/', '-')}.js`;
  const path = join(root, entry);
  const imports = files.map(
    ({ built }) => `import ${JSON.stringify(pathToFileURL(join(root, built)).href)};\n`,
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, imports.join(''));
  return entry;
}
