import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startPostern } from '../support/child.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { environmentFor } from '../support/served.ts';

/** How many files of each package are loaded before the port is open. */
const usual: Readonly<Record<string, number>> = {
  gateway: 197,
  client: 13,
  ws: 14,
  jose: 9,
  pino: 12,
  'pino-std-serializers': 7,
  '@pinojs/redact': 1,
  'quick-format-unescaped': 1,
  'sonic-boom': 1,
  'atomic-sleep': 1,
  'on-exit-leak-free': 1,
  'thread-stream': 3,
  'safe-stable-stringify': 1,
  'proxy-addr': 1,
  forwarded: 1,
  'ipaddr.js': 1,
};

/** Of what is usual: so many more are a reason to look what they are for. */
const MOST = 1.2;

describe('postern serve, before its port is open', () => {
  let loaded: ReadonlyMap<string, readonly string[]>;
  before(async () => {
    loaded = await loadedBeforeThePort();
  });

  it('loads no package that can wait', () => {
    const others = [...loaded].filter(([name]) => !(name in usual));
    assert.deepEqual(others, []);
  });

  for (const [name, count] of Object.entries(usual))
    it(`loads no more than ${Math.floor(count * MOST)} files of ${name}`, () => {
      const files = loaded.get(name) ?? [];
      assert.ok(files.length > 0, 'none is loaded any more: take the package off the list');
      assert.ok(files.length <= count * MOST, `${files.length}:\n${files.join('\n')}`);
    });
});

/**
 * The files by package. With its port in use, the program ends right where it would be open. Coverage, which Node
 * writes at the end, names everything that was run, imported or required.
 */
async function loadedBeforeThePort(): Promise<ReadonlyMap<string, readonly string[]>> {
  const taken = createServer().listen(0, '127.0.0.1');
  after(() => taken.close());
  await once(taken, 'listening');
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);

  const folder = await scratchFolder({ after });
  const environment = { POSTERN_PORT: String(address.port), NODE_V8_COVERAGE: folder };
  const nowhere = { url: 'postgres://nobody@127.0.0.1:1/none', channel: 'none' };
  const child = startPostern({ after }, ['serve'], {
    env: environmentFor({ ...nowhere, environment }),
  });
  await child.line(/EADDRINUSE/);
  await child.exited();

  const [name = ''] = await readdir(folder);
  const coverage = await readFile(join(folder, name), 'utf8');
  return byPackage(
    [...coverage.matchAll(/"url":"file:\/\/([^"]+)"/g)].map(([, path = '']) => path),
  );
}

function byPackage(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const path of paths) {
    const [, name = ''] = /.*\/(?:node_modules|packages)\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    files.set(name, [...(files.get(name) ?? []), path]);
  }
  return files;
}
