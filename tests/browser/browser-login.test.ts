import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { startExample } from '../support/example.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';

/** What the page waits at the most, for the first time. */
const FIRST_WAIT_MS = 500;

const [chromium, site] = await Promise.all([
  sharedChromium(),
  startExample({ after }, 'browser-login'),
]);
failOnLeaks();

describe('The page of the example with a login form', () => {
  it('sends to the form, shows the welcome after it, and is sent there again once logged out', async () => {
    const page = await chromium.newPage();
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    try {
      await page.goto(site.origin);
      await page.waitForURL('**/login');
      await page.getByLabel('User').fill('ada');
      await page.getByLabel('Password').fill('engine');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('"user": "ada"').waitFor();
      assert.equal(await page.getByRole('status').textContent(), 'Connected');

      await page.getByRole('button', { name: 'Log out' }).click();
      await page.waitForURL('**/login');
      await page.goto(site.origin);
      await page.waitForURL('**/login');
      assert.deepEqual(complaints, []);
    } finally {
      await page.close();
    }
  });

  it('preauthenticates afresh once at 1006 before it was open, and waits after that', async () => {
    const context = await chromium.newContext();
    const page = await context.newPage();
    try {
      const askedAtMs: number[] = [];
      await page.route('**/postern/preauth', (route) => {
        askedAtMs.push(performance.now());
        const url = `ws://localhost:${site.port}/postern/ws`;
        return route.fulfill({ json: { url, csrfToken: 'forged' } });
      });
      // The first wait is as long as it can be, and a whole one.
      await page.addInitScript(() => (Math.random = () => 1));
      await page.goto(site.origin);
      await page.getByText('Not connected (1006). Trying again.').waitFor();
      assert.ok(askedAtMs.length >= 2);
      await until('another try', () => askedAtMs.length >= 3);
      const [, second = 0, third = 0] = askedAtMs;
      assert.ok(third - second >= FIRST_WAIT_MS, `${third - second} ms`);
    } finally {
      await context.close();
    }
  });
});
