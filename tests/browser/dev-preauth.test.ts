import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { freePort } from '../support/nginx.ts';
import { sharedChromium } from './chromium.ts';
import { startDev } from './dev-program.ts';

const [chromium, dev] = await Promise.all([
  sharedChromium(),
  startDev({ after }, await freePort()),
]);
failOnLeaks();

/** What a page does to come in, by a token of `postern dev`; its first message, or why there is none. */
async function comeIn(): Promise<unknown> {
  const json = { 'Content-Type': 'application/json' };
  const exp = Math.floor(Date.now() / 1000) + 60;
  const claims = JSON.stringify({ sub: 'Ada', mode: 'rw', channels: ['chat'], exp });
  const made = await fetch('/dev/token', { method: 'POST', headers: json, body: claims });
  const { token } = await made.json();
  const answer = await fetch('/preauth', {
    method: 'POST',
    headers: { ...json, 'X-Postern-Preauth': '1', Authorization: `Bearer ${token}` },
  });
  const { csrfToken, url, detail } = await answer.json();
  if (!answer.ok) return detail;
  return await new Promise((resolve) => {
    const socket = new WebSocket(`${url}?csrf=${csrfToken}`, 'postern.v1');
    socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data)).user));
    socket.addEventListener('close', ({ code }) => resolve(code));
  });
}

describe('The page of postern dev', () => {
  it('may preauthenticate in the clear, with the cookie for that, and connect', async () => {
    const page = await chromium.newPage();
    try {
      await page.goto(`http://localhost:${dev.port}/`);
      assert.equal(await page.evaluate(comeIn), 'Ada');
      const [cookie] = await page.context().cookies();
      assert.deepEqual(
        [cookie?.name, cookie?.httpOnly, cookie?.sameSite],
        ['postern-dev', true, 'Strict'],
      );
    } finally {
      await page.close();
    }
  });
});
