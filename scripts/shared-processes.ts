import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { TestFile } from './test-files.ts';

/** Processes of files that ask for the same, which is started once for all of them; by what asks for it. */
const ASKED_FOR: Readonly<Record<string, RegExp>> = {
  'browser-dev': /\bsharedDev\(\)/,
  'browser-sites': /\bsharedChromium\(\)/,
  'conformance-meta': /\bstartMetaTargets\(\)/,
  'conformance-raw': /\bstartTargets\(\)/,
  'conformance-v1': /\bstartV1Targets\(\)/,
};

/**
 * What the runner is to start for these files, by their paths: most have a process of their own, but the
 * unit tests of one folder share one, as most take less time than a process takes to start; so do
 * files that ask for the same gateways, or for a browser.
 */
export function processesOf(files: readonly TestFile[], root: string): readonly string[] {
  const processes = new Map<string, TestFile[]>();
  for (const file of files) {
    const name = sharedBy(file, root) ?? file.built;
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
function sharedBy(file: TestFile, root: string): string | undefined {
  if (file.isUnit) return folderOf(file).replaceAll('/', '-');
  const text = readFileSync(join(root, file.source), 'utf8');
  return Object.entries(ASKED_FOR).find(([, asking]) => asking.test(text))?.[0];
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
  // Apart, since what is imported comes before all that a file does itself.
  writeFileSync(join(dirname(path), `${name}.files.js`), imports.join(''));
  writeFileSync(
    path,
    `import { allowFor } from ${urlOf(join(root, 'build/scripts/deadline.js'))};
allowFor(${files.length});
await import('./${name}.files.js');
`,
  );
  return entry;
}

/** In quotes, as a module is imported by it. */
function urlOf(path: string): string {
  return JSON.stringify(pathToFileURL(path).href);
}
