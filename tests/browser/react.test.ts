import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { killListener } from '../support/failure-causes.ts';
import { until } from '../support/wait.ts';
import { startChromium } from './chromium.ts';
import type { PageHandle, PageRecord, Shown } from './react-page.tsx';
import { writeSamples } from './react-samples.ts';
import { pageScript, startReactSite } from './react-site.ts';

const [chromium, site] = await Promise.all([startChromium({ after }), startReactSite({ after })]);
const entry = fileURLToPath(new URL('react-page.js', import.meta.url));

/** In the page. */
declare function handleOf(): PageHandle;

/** A page with a script, and how it is opened; what it complains of is gathered. */
async function newPage(path: string, script: string) {
  site.setScript(path, script);
  const page = await chromium.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (line) => {
    if (['error', 'warning'].includes(line.type())) complaints.push(line.text());
  });
  return { page, complaints, open: () => page.goto(`${site.origin}${path}`) };
}

/** A page whose lists are shown as a test says. */
async function newLists(react: 'React 18' | 'React 19') {
  const script = await pageScript(entry, react);
  const { page, complaints, open } = await newPage(`/${react.replace(' ', '-')}`, script);
  const record = (): Promise<PageRecord> => page.evaluate(() => handleOf().record);
  const show = (change: Partial<Shown>) => page.evaluate((next) => handleOf().show(next), change);
  const texts = () => page.locator('[data-list]').allTextContents();
  /** Waits until the first list shows this, and returns all texts that lists show. */
  const shows = (text: RegExp) =>
    until(`a list that shows ${text}`, async () => {
      const all = await texts();
      return text.test(all[0] ?? '') ? [...new Set(all)] : undefined;
    });
  return {
    page,
    complaints,
    open,
    record,
    show,
    shows,
    texts,
    /** Takes all lists off, waits until nothing is subscribed, and shows two of another channel. */
    begin: async (name: string, change: Partial<Shown> = {}) => {
      await show({ name: undefined, lists: 0 });
      await until('the end of what was before', async () => {
        const { wire } = await record();
        return commandsIn(wire).at(-1)?.startsWith('> un') === true && wire.at(-1) === '< ok';
      });
      await page.evaluate(() => handleOf().forget());
      await show({ lists: 2, limit: 100, mark: 'first', mindsGaps: true, ...change, name });
      await shows(/live$/);
    },
  };
}

const commandsIn = (wire: readonly string[]): readonly string[] =>
  wire.filter((line) => /^> (un)?subscribe/.test(line));

const commands = async (record: () => Promise<PageRecord>): Promise<readonly string[]> =>
  commandsIn((await record()).wire);

for (const react of ['React 19', 'React 18'] as const)
  describe(`A page of ${react} under StrictMode`, async () => {
    const { page, complaints, open, record, show, shows, texts, begin } = await newLists(react);

    it('shows what comes in all components alike, by one session and one subscription', async () => {
      await open();
      const first = `room:${new URL(page.url()).pathname}`;
      await shows(/live$/);
      await page.evaluate(() => handleOf().channel()?.publish(1));
      await site.notify(first, 2);
      assert.deepEqual(await shows(/^1 2 /), ['1 2 | gaps: 0 | live']);
      const { sockets, wire, told, torn } = await record();
      assert.equal(sockets.length, 1);
      assert.deepEqual(commandsIn(wire), [`> subscribe ${first}`]);
      assert.deepEqual(told, ['first: subscribed, undefined', 'first: 1', 'first: 2']);
      assert.deepEqual(torn, []);
    });

    it('calls the functions of the last render, and subscribes for another channel only', async () => {
      await begin('room:2');
      await show({ mark: 'second', limit: 2 });
      for (const n of [1, 2, 3]) await site.notify('room:2', n);
      assert.deepEqual(await shows(/^2 3 /), ['2 3 | gaps: 0 | live']);
      await show({ mark: 'third', limit: 3 });
      await site.notify('room:2', 4);
      await shows(/^2 3 4 /);
      assert.deepEqual(await commands(record), ['> subscribe room:2']);

      await show({ name: 'room:3' });
      await shows(/^ \| gaps: 0 \| live$/);
      await site.notify('room:2', 'unheard');
      await site.notify('room:3', 5);
      await shows(/^5 /);
      await show({ name: undefined });
      await shows(/^ \| gaps: 0 \| off$/);
      await until('the last command', async () => (await commands(record)).length === 4);
      assert.deepEqual((await commands(record)).toSorted(), [
        '> subscribe room:2',
        '> subscribe room:3',
        '> unsubscribe room:2',
        '> unsubscribe room:3',
      ]);
      const { told, torn } = await record();
      assert.deepEqual(told, [
        'first: subscribed, undefined',
        'second: 1',
        'second: 2',
        'second: 3',
        'third: 4',
        'third: subscribed, undefined',
        'third: 5',
      ]);
      assert.deepEqual(torn, []);
    });

    it('is not torn when lists come in a transition while messages do', async () => {
      await begin('room:4');
      for (const lists of [4, 2, 6]) {
        await page.evaluate((next) => handleOf().showSlowly({ lists: next }, 12), lists);
        await until('all lists', async () => {
          const all = await texts();
          return all.length === lists && all.every((text) => / 11 \|/.test(text));
        });
      }
      const { torn, compared, seen } = await record();
      assert.deepEqual(torn, []);
      assert.ok(compared > 20, `${compared}`);
      assert.ok(new Set(seen).size > 20, 'messages came between renders');
    });

    it('leaves nothing subscribed, and no messages, when its last component is gone, and no other has come', async () => {
      await begin('room:5');
      await site.notify('room:5', 1);
      await shows(/^1 /);
      await show({ place: 'there' });
      assert.deepEqual(await shows(/live$/), ['1 | gaps: 0 | live']);
      await show({ lists: 1 });
      await until('one list', async () => (await texts()).length === 1);
      assert.deepEqual(await commands(record), ['> subscribe room:5']);
      await show({ lists: 0 });
      await until('its end', async () => (await commands(record)).length === 2);
      await page.evaluate(() => handleOf().channel()?.publish(2));
      const { wire, sockets } = await record();
      assert.deepEqual(commandsIn(wire), ['> subscribe room:5', '> unsubscribe room:5']);
      assert.deepEqual(wire.slice(-3), ['< ok', '> publish room:5', '< ok']);
      assert.deepEqual(sockets, []);

      await show({ lists: 2 });
      assert.deepEqual(await shows(/live$/), [' | gaps: 0 | live']);
    });

    // Whatever draws it, the rest is done by the same.
    if (react === 'React 19') {
      it('shows that the connection breaks, and comes back with what was missed', async () => {
        await begin('room:6');
        site.proxy.setNew({ up: 'swallow' });
        site.proxy.cut();
        await shows(/off$/);
        await site.notify('room:6', 'missed');
        site.proxy.setNew({ up: 'pass' });
        site.proxy.cut();
        assert.deepEqual(await shows(/missed .* live$/), ['missed | gaps: 0 | live']);
        const { states, told, torn } = await record();
        assert.equal(states[0], 'waiting');
        assert.equal(states.at(-1), 'open');
        assert.deepEqual(told, [
          'first: subscribed, undefined',
          'first: subscribed, true',
          'first: missed',
        ]);
        assert.deepEqual(torn, []);
      });

      it('tells a gap to the components that have a function for it, otherwise to the client’s', async () => {
        await begin('room:7');
        await killListener(site.query);
        await shows(/gaps: 1 \| live$/);
        await show({ mindsGaps: false });
        await killListener(site.query);
        await shows(/gaps: 2 \| live$/);
        const { told, gapsOfClient } = await record();
        assert.deepEqual(told, ['first: subscribed, undefined', 'first: gap, feed_lost']);
        assert.deepEqual(gapsOfClient, ['feed_lost']);
      });

      it('shows why a channel is not followed, and asks again when the grant is another', async () => {
        await show({ name: 'news' });
        await shows(/scope_denied$/);
        site.claims.channels = ['*'];
        site.proxy.cut();
        await shows(/live$/);
        site.claims.channels = ['room:*', 'todos'];
        await site.notify('news', 1);
        await shows(/^1 /);
        const { told } = await record();
        assert.deepEqual(told.slice(-2), ['first: subscribed, undefined', 'first: 1']);
      });

      it('forgets what another user was sent', async () => {
        await show({ name: undefined });
        await begin('room:8');
        await site.notify('room:8', 'for Ada');
        await shows(/^for Ada /);
        site.claims.sub = 'bo';
        site.proxy.cut();
        await until('the stop', async () => (await record()).states.at(-1) === 'stopped');
        await page.evaluate(() => handleOf().connect());
        assert.deepEqual(await shows(/live$/), [' | gaps: 0 | live']);
        site.claims.sub = 'ada';
      });
    }

    it('unmounts, and has said nothing on the console but that the connection broke', async () => {
      await page.evaluate(() => handleOf().unmount());
      await until('its end', async () =>
        (await commands(record)).at(-1)?.startsWith('> unsubscribe'),
      );
      assert.deepEqual(
        complaints.filter((text) => !/net::ERR|WebSocket connection/.test(text)),
        [],
      );
    });
  });

describe('The page on React', () => {
  it('has samples that compile, and do what it says', async (t) => {
    site.setTodos([{ id: 'a', version: 1, text: 'write' }]);
    const main = await writeSamples(t);
    const script = await pageScript(main, 'React 19');
    const { page, complaints, open } = await newPage('/samples', script);
    await open();
    await page.getByText('Live').waitFor();
    await page.getByText('write').waitFor();
    await page.getByText('Say hello').click();
    await page.getByText('hello', { exact: true }).waitFor();

    await site.notify('todos', { id: 'a', version: 2, text: 'read' });
    await site.notify('todos', { id: 'b', version: 1, text: 'sleep' });
    await page.getByText('sleep').waitFor();
    assert.deepEqual(await page.locator('ol > li').allTextContents(), ['read', 'sleep']);

    site.setTodos([{ id: 'c', version: 1, text: 'eat' }]);
    await killListener(site.query);
    await page.getByText('eat').waitFor();
    site.proxy.setNew({ up: 'swallow' });
    site.proxy.cut();
    await page.getByText('Try now').waitFor();
    assert.deepEqual(
      complaints.filter((text) => !/net::ERR|WebSocket connection|no onGap/.test(text)),
      [],
    );
  });
});
