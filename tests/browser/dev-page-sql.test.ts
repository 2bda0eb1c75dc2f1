import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { failOnLeaks } from '../support/leaks.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import { openDevPage } from './dev-page.ts';
import { sharedDev } from './dev-program.ts';

const [chromium, dev] = await Promise.all([sharedChromium(), sharedDev()]);
const scope = failOnLeaks();

describe('The SQL on the page of postern dev', () => {
  it('notifies both panes when it is copied and run where the copied command connects', async () => {
    const { page, ada, bo } = await openDevPage(scope, chromium, dev.url);
    assert.equal(await copied(page, 'psql command'), `psql '${dev.databaseUrl}'`);
    await runCopied(page, 'SQL that notifies');
    for (const pane of [ada, bo]) await pane.hears('Hello from SQL', 'SQL');
  });

  it('makes a trigger that notifies both panes of an insert, and can be run again', async () => {
    const { page, ada, bo } = await openDevPage(scope, chromium, dev.url);
    for (let run = 0; run < 2; run++) {
      await runCopied(page, 'SQL of the trigger');
      const order = await latestOrder();
      for (const pane of [ada, bo]) await pane.hears(order, 'SQL');
    }
  });

  it('follows the channel that the first pane is set to, whatever its name holds', async () => {
    const { page, ada, bo } = await openDevPage(scope, chromium, dev.url);
    await ada.control('textbox', 'Channel').fill(`Ada's "room" \\ 1`);
    await ada.control('button', 'Reconnect').press('Enter');
    await ada.log.getByText(`Open on Ada's "room"`).waitFor();

    await runCopied(page, 'SQL that notifies');
    await runCopied(page, 'SQL of the trigger');
    await ada.hears('Hello from SQL', 'SQL');
    await ada.hears(await latestOrder(), 'SQL');

    await bo.say('after all that');
    await bo.hears('after all that', 'Bo, you');
    assert.equal(await bo.log.locator('.message').count(), 1);
  });

  it('keeps the time of a notification and what was told of it apart', async () => {
    const { page, ada } = await openDevPage(scope, chromium, dev.url);
    await runCopied(page, 'SQL that notifies');
    const entry = await ada.hears('Hello from SQL', 'SQL');
    assert.match(await entry.locator('summary').innerText(), /\d+:\d+.* as told$/);
  });

  it('hides the password until it is asked for', async () => {
    const { page } = await openDevPage(scope, chromium, dev.url);
    const { password } = new URL(dev.databaseUrl);
    const isThere = async (): Promise<boolean> => (await page.content()).includes(password);
    assert.ok(!(await isThere()));

    await page.getByRole('button', { name: 'Show password' }).press('Enter');
    assert.equal(await shown(page, 'psql command'), `psql '${dev.databaseUrl}'`);
    await page.keyboard.press('Enter');
    assert.ok(!(await isThere()));
  });
});

/** The text of a code block. */
async function shown(page: Page, name: string): Promise<string> {
  return (await page.getByRole('group', { name, exact: true }).textContent()) ?? '';
}

/** What the button beside a code block puts into the clipboard. */
async function copied(page: Page, name: string): Promise<string> {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await page.getByRole('button', { name: `Copy the ${name}`, exact: true }).press('Enter');
  const read = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  return await until('a text in the clipboard', async () => (await read()) || undefined);
}

/** Copies a code block and runs it, as people do in psql. */
async function runCopied(page: Page, name: string): Promise<void> {
  const sql = await copied(page, name);
  assert.equal(sql, await shown(page, name));
  await dev.query(sql);
}

/** The row that the trigger's SQL inserted, as the panes show it. */
async function latestOrder(): Promise<string> {
  const [row] = await dev.query(
    'SELECT row_to_json(orders)::text AS text FROM orders ORDER BY id DESC LIMIT 1',
  );
  return String(row?.['text']);
}
