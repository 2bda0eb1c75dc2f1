import assert from 'node:assert/strict';
import { it } from 'node:test';

import { startChild } from '../support/child.ts';
import type { Exit } from '../support/child.ts';
import { assertUnbroken, putThrough } from '../support/coming-back.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { codeBlocks, page } from '../support/pages.ts';

const scope = failOnLeaks();

/** What the page on other clients has users write. */
const LINES =
  codeBlocks(page('docs/other-clients.md').text, 'js').find((one) => one.includes('partysocket')) ??
  assert.fail();

/** What is a program's own: it tells what it meets with, a line of JSON each. */
const PROGRAM = `
  import { WebSocket } from 'ws';
  const tell = (what) => console.log(JSON.stringify(what));
  const newUrl = async () => (await fetch(process.env.SITE)).text();
  const options = { WebSocket, minReconnectionDelay: 50 };
  const socket = follow(newUrl, (payload) => tell({ payload }), options);
  socket.send('hello');
  socket.onclose = ({ code }) => {
    tell({ code });
    // What it says in vain is not to be said again.
    if (code !== 1000) socket.send('away');
  };`;

it('partysocket, in Node, comes back by the lines of the page, goes on, and ends when it is told to stop', async () => {
  let end: Promise<Exit> | undefined;
  const experience = await putThrough(scope, async ({ site }) => {
    const args = ['--input-type=module', '--eval', LINES + PROGRAM];
    const child = startChild(scope, process.execPath, args, { env: { SITE: site } });
    end = child.exited(60_000);
    return {
      experience: () => {
        const lines = child.stdout.split('\n').slice(0, -1);
        const told = lines.map((line) => JSON.parse(line));
        return {
          payloads: told.flatMap(({ payload }) => payload ?? []),
          closes: told.flatMap(({ code }) => code ?? []),
        };
      },
    };
  });
  assertUnbroken(experience);
  // Nothing is left that it would wait for.
  assert.deepEqual(await end, { code: 0, signal: undefined });
});
