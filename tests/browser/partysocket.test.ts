import assert from 'node:assert/strict';
import { after, it } from 'node:test';

import { build } from 'esbuild';

import { assertUnbroken, putThrough } from '../support/coming-back.ts';
import type { Experience } from '../support/coming-back.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { codeBlocks, page as pageOf, root } from '../support/pages.ts';
import { startChromium } from './chromium.ts';

const chromium = await startChromium({ after });
const scope = failOnLeaks();

/** What the page on other clients has users write. */
const LINES =
  codeBlocks(pageOf('docs/other-clients.md').text, 'js').find((one) =>
    one.includes('partysocket'),
  ) ?? assert.fail();

it('partysocket, in Chromium, comes back by the lines of the page, goes on, and stops when it is told to', async () => {
  const bundle = await build({
    stdin: { contents: LINES, resolveDir: root },
    bundle: true,
    format: 'iife',
    globalName: 'lines',
    write: false,
  });
  const content = bundle.outputFiles[0]?.text ?? '';
  const page = await chromium.newPage();
  scope.after(() => page.close());
  const experience = await putThrough(scope, async (ground) => {
    await page.goto(ground.page);
    await page.addScriptTag({ content });
    await page.evaluate(start, ground.site);
    return { experience: () => page.evaluate(experienced) };
  });
  assertUnbroken(experience);
  assert.equal(await page.evaluate(reconnects), false);
  assert.deepEqual((await page.evaluate(listened)).slice(0, 2), ['close', 3001]);
});

/** Runs in a page that has the lines. */
function start(site: string): void {
  const payloads: unknown[] = [];
  const closes: number[] = [];
  const newUrl = async (): Promise<string> => (await fetch(site)).text();
  const { follow } = Reflect.get(globalThis, 'lines');
  const onPayload = (payload: unknown): unknown => payloads.push(payload);
  const socket = follow(newUrl, onPayload, { minReconnectionDelay: 50 });
  socket.send('hello');
  socket.onclose = ({ code }: CloseEvent) => {
    closes.push(code);
    // What it says in vain is not to be said again.
    if (code !== 1000) socket.send('away');
  };
  const listened: unknown[] = [];
  socket.addEventListener('close', ({ code }: CloseEvent) => listened.push(code));
  Reflect.set(globalThis, 'client', { socket, payloads, closes, listened });
}

/** Runs in a page that has started. */
function experienced(): Experience {
  const { payloads, closes } = Reflect.get(globalThis, 'client');
  return { payloads, closes };
}

/** Runs in a page that has started. */
function reconnects(): unknown {
  return Reflect.get(globalThis, 'client').socket.shouldReconnect;
}

/** Runs in a page that has started: the codes that a listener was told. */
function listened(): readonly unknown[] {
  return Reflect.get(globalThis, 'client').listened;
}
