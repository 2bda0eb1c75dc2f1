import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from './child.ts';

/** A test that leaves something behind, in a process of its own: it has to fail. */
async function outcome(
  t: { after(cleanUp: () => Promise<void>): void },
  body: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-leaks-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'leaky.mjs');
  const helper = new URL('./leaks.js', import.meta.url).href;
  await writeFile(
    file,
    `import { createServer, connect } from 'node:net';
     import { it } from 'node:test';
     import { failOnLeaks } from ${JSON.stringify(helper)};
     let sessions = 0;
     const scope = failOnLeaks({ sessions: () => sessions });
     it('leaks', async () => { ${body} });
     it('is the last', () => setTimeout(() => process.exit(), 100).unref());`,
  );
  const child = startChild(t, process.execPath, ['--test-reporter=tap', file]);
  await child.exited();
  return child.stdout;
}

describe('The watch over what tests leave behind', { concurrency: true }, () => {
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
});
