import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { startChild } from '../support/child.ts';
import { startExample } from '../support/example.ts';
import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';

/** As long as what is looked for may take on a computer that has much else to do, in milliseconds. */
const PATIENCE_MS = 30_000;

const [chromium] = await Promise.all([sharedChromium(), makeBundle()]);
const [table, chat, renewal, todo] = await Promise.all([
  startExample({ after }, 'live-table'),
  startExample({ after }, 'chat'),
  startExample({ after }, 'token-renewal', { TOKEN_SECONDS: '4' }),
  startExample({ after }, 'react-todo'),
]);
const scope = failOnLeaks();

/** The pages load the client as it was bundled last. */
async function makeBundle(): Promise<void> {
  const child = startChild({ after }, process.execPath, ['build/scripts/bundles.js']);
  const { code } = await child.exited(60_000);
  assert.equal(code, 0, child.stderr);
}

/** Opens a page in a profile of its own. What it throws fails the test. */
async function open(url: string): Promise<Page> {
  const context = await chromium.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  scope.after(async () => {
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
    const { query, origin } = table;
    const page = await open(origin);
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

describe('The page of the example with chat rooms', () => {
  it('shows who said what, what is on its way, and what was said before', async () => {
    const { query } = chat;
    const ada = await enter('ada', 'engine');
    let letThrough = (): void => undefined;
    const way = new Promise<void>((resolve) => (letThrough = resolve));
    await ada.route('**/messages', (route) => way.then(() => route.continue()));
    await say(ada, 'Is anybody here?');
    await saidIn(ada, 'ada', 'Is anybody here?', 'sending').waitFor();
    letThrough();
    await saidIn(ada, 'ada', 'Is anybody here?', 'sent').waitFor();

    const grace = await enter('grace', 'compiler');
    await saidIn(grace, 'ada', 'Is anybody here?').waitFor();
    await say(grace, 'I am.');
    await saidIn(ada, 'grace', 'I am.').waitFor();
    await grace.getByRole('link', { name: 'engines' }).click();
    await grace.getByRole('heading', { name: 'engines' }).waitFor();
    await say(grace, 'Nobody.');
    await saidIn(grace, 'grace', 'Nobody.', 'sent').waitFor();
    assert.equal(await saidIn(ada, 'grace', 'Nobody.').count(), 0);

    // In a gap: what is in the table only.
    await query(`INSERT INTO said VALUES (gen_random_uuid(), 'lobby', 'grace', 'In a gap.')`);
    await killListener(query);
    await saidIn(ada, 'grace', 'In a gap.').waitFor();
    assert.equal(await ada.getByRole('listitem').count(), 3);
  });

  it('goes to the form when its login has ended, in whichever tab', async () => {
    const one = await enter('ada', 'engine');
    const other = await one.context().newPage();
    await other.goto(chat.origin);
    await other.getByText('open', { exact: true }).waitFor();
    await one.getByRole('button', { name: 'Log out' }).click();
    await other.waitForURL('**/login');
  });
});

describe('The page of the example with tokens that are renewed', () => {
  it('gets new ones before and after the end of the last, and misses nothing', async () => {
    const page = await open(renewal.origin);
    const count = async (name: string): Promise<number> =>
      Number(await page.getByRole('term').filter({ hasText: name }).locator('+ dd').textContent());

    const tokens = page.getByRole('region', { name: 'The token' }).getByRole('listitem');
    await tokens.filter({ hasText: 'to renew' }).first().waitFor();
    await until('a third connection', async () => (await count('Connections')) >= 3, PATIENCE_MS);
    const before = await count('Received');
    await until('a tick by it', async () => (await count('Received')) > before);
    assert.deepEqual([await count('Missed'), await count('Gaps')], [0, 0]);
    assert.ok(before > 20, `${before} ticks in two times four seconds`);
    const left = Number(await page.locator('#left').textContent());
    assert.ok(left >= 0 && left <= 4, `${left} seconds left`);
  });
});

describe('The page of the example in React', () => {
  it('shows in one tab what is added, done and removed in another', async () => {
    const [one, other] = await Promise.all([open(todo.origin), open(todo.origin)]);
    await Promise.all([one, other].map((page) => page.getByText('0 left').waitFor()));
    for (const text of ['Bake bread', 'Buy salt']) {
      await one.getByLabel('What is to be done').fill(text);
      await one.getByRole('button', { name: 'Add' }).click();
      await other.getByRole('checkbox', { name: text }).waitFor();
    }
    await other.getByRole('checkbox', { name: 'Bake bread' }).click();
    await one.getByRole('checkbox', { name: 'Bake bread', checked: true }).waitFor();
    await one.getByRole('button', { name: 'Remove Buy salt' }).click();
    await other.getByText('0 left').waitFor();

    // In a gap: what is in the table only.
    await todo.query(`INSERT INTO todo VALUES (gen_random_uuid(), 'Eat it')`);
    await killListener(todo.query);
    await Promise.all([one, other].map((page) => page.getByText('1 left').waitFor()));
    assert.deepEqual(await other.getByRole('listitem').allTextContents(), [
      'Bake bread×',
      'Eat it×',
    ]);
  });
});

/** The ids that the table shows, in its order. */
function idsIn(page: Page): Promise<readonly string[]> {
  return page.locator('tbody td:first-child').allTextContents();
}

async function enter(user: string, password: string): Promise<Page> {
  const page = await open(chat.origin);
  await page.waitForURL('**/login');
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('open', { exact: true }).waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** What a page shows as said, with what became of it where it is the page's own. */
const saidIn = (page: Page, by: string, text: string, state = '') =>
  page.getByRole('listitem').filter({ hasText: `${by}${text}${state}` });
