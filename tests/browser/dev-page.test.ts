import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { traceProcess } from '#gateway/cli/embedded/processes.js';

import { failOnLeaks } from '../support/leaks.ts';
import { sharedChromium } from './chromium.ts';
import { openDevPage } from './dev-page.ts';
import { sharedDev, startDev } from './dev-program.ts';
import { enter, press } from './keyboard.ts';

const [chromium, dev] = await Promise.all([sharedChromium(), sharedDev()]);
const scope = failOnLeaks();

describe('The page of postern dev', () => {
  it('connects both panes at load; what is typed in one, by keyboard alone, appears in both', async () => {
    const { ada, bo } = await openDevPage(scope, chromium, dev.url);
    await ada.say('hello from the left');
    await ada.hears('hello from the left', 'Ada, you');
    await bo.hears('hello from the left', 'Ada');

    await bo.say('hello from the right');
    await bo.hears('hello from the right', 'Bo, you');
    await ada.hears('hello from the right', 'Bo');
  });

  it('shows how a token of 10 seconds ends its pane with 3001, and leaves the other open', async () => {
    const { page, ada, bo } = await openDevPage(scope, chromium, dev.url);
    await press(ada.control('radio', '1 h'), 'ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.ok(await ada.control('radio', '10 s').isChecked());
    await press(ada.control('button', 'Reconnect'));
    await ada.log.getByText('Open on chat').nth(1).waitFor();
    assert.match((await ada.countdown.textContent()) ?? '', /^0:(0\d|10)$/);

    await ada.reaches('Closed: 3001 JWT expired', 15_000);
    await bo.say('still here');
    await bo.hears('still here', 'Bo, you');
    await bo.reaches('Open');
    assert.equal(await ada.log.getByText('still here').count(), 0);
  });

  it('goes on by another token where it is to be renewed in time', async () => {
    const { ada, page } = await openDevPage(scope, chromium, dev.url);
    await press(ada.control('radio', '1 h'), 'ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await press(ada.control('checkbox', 'Renew it in time'), 'Space');
    await press(ada.control('button', 'Reconnect'));
    await ada.log
      .getByText(/^Renewed until/)
      .first()
      .waitFor();
    await ada.reaches('Open');
  });

  it('keeps markup the text that it is, in messages, names, what was told and notifications', async () => {
    const { page, ada, bo } = await openDevPage(scope, chromium, dev.url);
    const markup = '<img src="x" onerror="document.title = 1"><b>bold</b>';
    await enter(ada.control('textbox', 'Name'), '<i>Ada</i>');
    await press(ada.control('button', 'Reconnect'));
    await ada.log.getByText('Open on chat').nth(1).waitFor();

    await ada.say(markup);
    await ada.hears(markup, '<i>Ada</i>, you');
    const entry = await bo.hears(markup, '<i>Ada</i>');
    await press(entry.locator('summary'));
    await entry.getByText(/^{.*<b>bold.*}$/s).waitFor();

    const text = JSON.stringify({ channel: 'chat', payload: { [markup]: markup } });
    await dev.query(`SELECT pg_notify('postgres-websockets-listener', $1)`, [text]);
    await bo.hears(JSON.stringify({ [markup]: markup }), 'SQL');
    assert.equal(await page.locator('article').locator('img, b, i').count(), 0);
  });

  it('asks no other host for anything, and has nothing to say in the console', async () => {
    const { page, ada, requests } = await openDevPage(scope, chromium, dev.url);
    await press(ada.control('button', 'Explain token'));
    await page.getByText('101 Switching Protocols').waitFor();

    const origins = new Set(requests.map(({ protocol, host }) => `${protocol}//${host}/`));
    assert.deepEqual([...origins], [dev.url, dev.url.replace('http', 'ws')]);
    assert.ok(requests.some(({ pathname }) => pathname === '/dev/explain'));
  });

  it('ends on Ctrl-C with code 0: both panes show 1001, and no PostgreSQL is left', async () => {
    const own = await startDev(scope);
    const backends = await own.query('SELECT pid FROM pg_stat_activity');
    const pids = [await own.postgresPid(), ...backends.map(({ pid }) => Number(pid))];
    const traces = await Promise.all(pids.map(traceProcess));
    assert.match(traces[0]?.command ?? '', /postgres/);
    const { ada, bo } = await openDevPage(scope, chromium, own.url, { outlivesGateway: true });

    own.child.signal('SIGINT');
    await Promise.all([
      ada.reaches('Closed: 1001 Going away'),
      bo.reaches('Closed: 1001 Going away'),
    ]);
    assert.deepEqual(await own.child.exited(), { code: 0, signal: undefined });
    const left = await Promise.all(pids.map(traceProcess));
    assert.deepEqual(
      left.filter((trace) => trace !== undefined),
      [],
    );
  });
});
