import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';

import { makeBundles } from '../support/bundles.ts';
import { startChild } from '../support/child.ts';
import { leaveES5 } from '../support/es5.ts';
import type { Scope } from '../support/postgres.ts';

const folder = await makeBundles({ after });

/** What a page has in old browsers that such a context has not. */
const BROWSER = { console, setTimeout, clearTimeout, setInterval, clearInterval };

describe('npm run bundles', () => {
  it('makes a script that runs where there is no more than ES5, and adds one name to those of the page', async () => {
    const page = createContext({ ...BROWSER, WebSocket: class {} });
    const kept = Object.keys(page).join(' ');
    runInContext(`(${String(leaveES5)})(${JSON.stringify(kept)})`, page);
    const before = Object.keys(page);
    runInContext(await readFile(join(folder, 'postern.es5.js'), 'utf8'), page);
    assert.deepEqual(
      Object.keys(page).filter((name) => !before.includes(name)),
      ['Postern'],
    );
    const attempt = `
      Postern.createClient({ url: 'wss://gw.test', getToken: function () {} }).state().name`;
    assert.equal(runInContext(attempt, page), 'idle');
  });

  it('makes a module that has the exports of the package', async () => {
    const bundle = await import(pathToFileURL(join(folder, 'postern.js')).href);
    const source = await import('#client/index.js');
    assert.deepEqual(Object.keys(bundle), Object.keys(source));
  });
});

describe('npm run sizes', () => {
  it('tells what each way to use the client costs, and fails when the module is larger than it may be', async (t) => {
    const { code, output } = await sizes(t, ['--limit', '1000']);
    assert.equal(code, 1);
    assert.match(output, /createClient[^]*postern\.es5\.js/);
    assert.match(output, /postern\.js.*: \d+ bytes in brotli, of 1000 at the most\./);
    assert.equal((await sizes(t, [])).code, 0);
  });
});

async function sizes(scope: Scope, args: readonly string[]) {
  const child = startChild(scope, process.execPath, ['build/scripts/sizes.js', ...args]);
  const { code } = await child.exited(60_000);
  return { code, output: child.stdout + child.stderr };
}
