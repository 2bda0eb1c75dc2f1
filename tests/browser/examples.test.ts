import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { Browser, Page } from 'playwright-core';

import { startChild } from '../support/child.ts';
import { startExample } from '../support/example.ts';
import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { Scope } from '../support/postgres.ts';
import { startChromium } from './chromium.ts';

/** As long as what is looked for may take on a computer that has much else to do, in milliseconds. */
const PATIENCE_MS = 30_000;

const [chromium] = await Promise.all([startChromium({ after }), makeBundle()]);
const scope = failOnLeaks();

/** The pages load the client as it was bundled last. */
async function makeBundle(): Promise<void> {
  const child = startChild({ after }, process.execPath, ['build/scripts/bundles.js']);
  const { code } = await child.exited(60_000);
  assert.equal(code, 0, child.stderr);
}

/** Opens a page in a profile of its own. What it throws fails the test. */
async function open(scene: Scope, browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  scene.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(url);
  return page;
}

const rowOf = (page: Page, ...cells: readonly string[]) =>
  page.getByRole('row', { name: cells.join(' '), exact: true });

describe('The page of the example with a table', () => {
  it('shows each change that is committed, and all of them after a break in which the feed was lost', async () => {
    const { query, origin } = await startExample(scope, 'live-table');
    const page = await open(scope, chromium, origin);
    await rowOf(page, '2', 'Rope', '40').waitFor();

    await query(`INSERT INTO product (name, stock) VALUES ('Kettle', 3)`);
    await rowOf(page, '5', 'Kettle', '3').waitFor();
    await query(`UPDATE product SET stock = 39 WHERE name = 'Rope'`);
    await rowOf(page, '2', 'Rope', '39').waitFor();
    await query(`UPDATE product SET id = 9 WHERE id = 1; DELETE FROM product WHERE id = 3`);
    await rowOf(page, '3', 'Compass', '7').waitFor({ state: 'detached' });
    assert.deepEqual(await idsIn(page), ['2', '4', '5', '9']);

    // In a gap: nobody is told of what is committed while the gateway does not listen.
    await query(
      `ALTER TABLE product DISABLE TRIGGER ALL; UPDATE product SET stock = 0 WHERE id = 2;
       ALTER TABLE product ENABLE TRIGGER ALL`,
    );
    await killListener(query);
    await rowOf(page, '2', 'Rope', '0').waitFor();
    await query(`TRUNCATE product`);
    await rowOf(page, '2', 'Rope', '0').waitFor({ state: 'detached' });
    assert.deepEqual(await idsIn(page), []);
  });
});

/** The ids that the table shows, in its order. */
function idsIn(page: Page): Promise<readonly string[]> {
  return page.locator('tbody td:first-child').allTextContents();
}
