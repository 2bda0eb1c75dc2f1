import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { TestFile } from './test-files.ts';

/** Files that want the same gateways, by what their paths begin with: the first starts them for all. */
const SAME_GATEWAYS: Readonly<Record<string, readonly string[]>> = {
  'conformance-raw': ['credentials', 'envelope', 'from-sql', 'handshake', 'messages', 'sizes'].map(
    (name) => `tests/conformance/raw/${name}.test.ts`,
  ),
  'conformance-v1': ['tests/conformance/sse/', 'tests/conformance/v1/'],
};

/**
 * What the runner is to start for these files, by their paths: most have a process of their own, but the
 * unit tests of one folder share one, as most take less time than a process takes to start; so do
 * files that want the same gateways.
 */
export function processesOf(files: readonly TestFile[], root: string): readonly string[] {
  const processes = new Map<string, TestFile[]>();
  for (const file of files) {
    const name = sharedBy(file) ?? file.built;
    processes.set(name, [...(processes.get(name) ?? []), file]);
  }
  return [...processes].map(([name, together]) => {
    const [file] = together;
    return together.length === 1 && file !== undefined
      ? file.built
      : entryFor(name, together, root);
  });
}

/** What the process is called that a file shares; `undefined`: it has one of its own. */
function sharedBy(file: TestFile): string | undefined {
  if (file.isUnit) return folderOf(file).replaceAll('/', '-');
  return Object.entries(SAME_GATEWAYS).find(([, paths]) =>
    paths.some((path) => file.source.startsWith(path)),
  )?.[0];
}

/** `packages/gateway/test/auth`, however deep the file lies in there. */
function folderOf({ source }: TestFile): string {
  return dirname(source).split('/').slice(0, 4).join('/');
}

/** A file that is all of these, and may take as long as they may. */
function entryFor(name: string, files: readonly TestFile[], root: string): string {
  const isUnit = files.every((file) => file.isUnit);
  // The runner takes files in the order of their paths: units last, for they are short.
  const entry = `build/${isUnit ? 'unit-tests' : 'shared-tests'}/${name}.js`;
  const path = join(root, entry);
  const imports = files.map(({ built }) => `import ${urlOf(join(root, built))};\n`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `import { allowFor } from ${urlOf(join(root, 'build/scripts/deadline.js'))};
${imports.join('')}allowFor(${files.length});
`,
  );
  return entry;
}

/** In quotes, as a module is imported by it. */
function urlOf(path: string): string {
  return JSON.stringify(pathToFileURL(path).href);
}
