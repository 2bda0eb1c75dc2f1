import assert from 'node:assert/strict';
import { after, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { startChromium } from './chromium.ts';

const chromium = await startChromium({ after });
const scope = failOnLeaks();

it('A plain page opens the raw protocol without a subprotocol, and sees a refusal as 1006', async () => {
  const { httpUrl, wsUrl } = await startGateway(scope);
  const page = await chromium.newPage();
  scope.after(() => page.close());
  await page.goto(`${httpUrl}/healthz`);

  const token = await signToken({ mode: 'rw', channel: 'chat', exp: inSeconds(60) });
  assert.deepEqual(await page.evaluate(tryOut, `${wsUrl}/chat/${token}`), {
    opened: { protocol: '', extensions: '' },
    heard: 'hello',
    closed: { code: 1000, reason: '', wasClean: true },
  });
  assert.deepEqual(await page.evaluate(tryOut, `${wsUrl}/another/${token}`), {
    closed: { code: 1006, reason: '', wasClean: false },
  });
});

interface Experience {
  readonly opened?: { readonly protocol: string; readonly extensions: string };
  readonly heard?: string;
  readonly closed: { readonly code: number; readonly reason: string; readonly wasClean: boolean };
}

/** Runs in the page: opens a socket, says hello, closes at the first answer, and tells how it went. */
function tryOut(url: string): Promise<Experience> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    let experience = {};
    socket.addEventListener('open', () => {
      const { protocol, extensions } = socket;
      experience = { opened: { protocol, extensions } };
      socket.send('hello');
    });
    socket.addEventListener('message', ({ data }) => {
      experience = { ...experience, heard: JSON.parse(data).payload };
      socket.close(1000);
    });
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      resolve({ ...experience, closed: { code, reason, wasClean } });
    });
  });
}
