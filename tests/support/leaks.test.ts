import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from './child.ts';
import type { Scope } from './postgres.ts';

/** A test that leaves something behind, in a process of its own: it has to fail. */
function outcome(t: Scope, body: string): Promise<string> {
  return run(
    t,
    `let sessions = 0;
     const scope = failOnLeaks({ sessions: () => sessions });
     it('leaks', async () => { ${body} });
     it('is the last', () => setTimeout(() => process.exit(), 100).unref());`,
  );
}

/** Two tests at the same time, the first of which is to wait for the second. */
function outcomeOfTwo(t: Scope, first: string, second: string): Promise<string> {
  return run(
    t,
    `failOnLeaksTogether();
     let go;
     const gone = new Promise((resolve) => { go = resolve; });
     describe('both', { concurrency: true }, () => {
       it('one', async (t) => { const scope = ownScope(t); ${first} });
       it('two', async (t) => { const scope = ownScope(t); ${second} });
     });
     after(() => setTimeout(() => process.exit(), 100).unref());`,
  );
}

async function run(t: Scope, tests: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-leaks-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'leaky.mjs');
  const helper = new URL('./leaks.js', import.meta.url).href;
  await writeFile(
    file,
    `import { createServer, connect } from 'node:net';
     import { after, describe, it } from 'node:test';
     import { failOnLeaks, failOnLeaksTogether, ownScope } from ${JSON.stringify(helper)};
     ${tests}`,
  );
  const child = startChild(t, process.execPath, ['--test-reporter=tap', file]);
  await child.exited();
  return child.stdout;
}

/** A test that opens one connection to PostgreSQL more, where there are so many already. */
function outcomeOfPool(t: Scope, already: number): Promise<string> {
  return run(
    t,
    `const server = createServer((socket) => socket.unref());
     await new Promise((listening) => server.listen(0, listening));
     server.unref();
     const { port } = server.address();
     process.env.POSTERN_TEST_DATABASE_URL = 'postgres://x@127.0.0.1:' + port;
     const open = () => new Promise((connected) => {
       const socket = connect(port, () => connected(socket));
     });
     for (let n = 0; n < ${already}; n += 1) await open();
     failOnLeaks();
     it('leaks', open);
     it('is the last', () => setTimeout(() => process.exit(), 100).unref());`,
  );
}

describe('The watch over what tests leave behind', { concurrency: true }, () => {
  it('lets the pool of a gateway grow that was there before, and no other', async (t) => {
    assert.match(await outcomeOfPool(t, 1), /^ok 1 - leaks$/m);
    const text = await outcomeOfPool(t, 0);
    assert.match(text, /^not ok 1 - leaks$/m);
    assert.match(text, /connections to PostgreSQL: 0 before, 1 after/);
  });

  it('lets a test pass that cleans up', async (t) => {
    const text = await outcome(
      t,
      `const server = createServer().listen(0); sessions++;
       scope.after(async () => { server.close(); sessions--; });`,
    );
    assert.match(text, /^ok 1 - leaks$/m);
  });

  const leaks: Readonly<Record<string, string>> = {
    'TCPServerWrap: 0 before, 1 after': 'createServer().listen(0);',
    'Timeout: 0 before, 1 after': 'setTimeout(() => {}, 60_000);',
    'sessions: 0 before, 1 after': 'sessions++;',
  };
  for (const [message, body] of Object.entries(leaks)) {
    it(`fails a test with ${message}`, async (t) => {
      const text = await outcome(t, body);
      assert.match(text, /^not ok 1 - leaks$/m);
      assert.ok(text.includes(message), text);
    });
  }

  it('lets tests pass that run at the same time, and ends what each began as it ends', async (t) => {
    const text = await outcomeOfTwo(
      t,
      `const server = createServer().listen(0);
       scope.after(async () => void server.close());
       await gone;
       if (!server.listening) throw new Error('ended by the other');`,
      `const order = [];
       t.after(() => { if (order.join() !== 'last,first') throw new Error(order.join()); });
       scope.after(async () => void order.push('first'));
       scope.after(async () => { order.push('last'); go(); });`,
    );
    assert.doesNotMatch(text, /^ *not ok/m);
    assert.match(text, /^# pass 2$/m);
  });

  it('fails a file with what is left of tests that ran at the same time', async (t) => {
    // It ends by itself, but later than anything is waited for.
    const text = await outcomeOfTwo(t, 'setTimeout(() => {}, 5_000);', '');
    assert.match(text, /Timeout: 0 before, 1 after/);
    assert.match(text, /^not ok/m);
  });
});
