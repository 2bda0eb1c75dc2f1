import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { codeBlocks, page as pageOf } from '../support/pages.ts';
import { startSite } from '../support/site.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { startChromium } from './chromium.ts';
import { converse, said, speak, startV1 } from './socket-scripts.ts';
import type { Saying } from './socket-scripts.ts';

const clock = new JumpingClock();
const chromium = await startChromium({ after });
// Hooks run in their order: all of it has ended when it is counted what is left.
const scope = ownScope({ after });
failOnLeaksTogether();

let gateway: TestGateway;
let page: Page;
before(async () => {
  const site = await startSite(scope, () => Promise.resolve('a page'));
  const environment = { POSTERN_ALLOWED_ORIGINS: new URL(site.url).origin };
  gateway = await startGateway(scope, { hooks: { clock }, environment });
  page = await chromium.newPage();
  scope.after(() => page.close());
  await page.goto(site.url);
  // What the page on other clients has users write.
  for (const content of codeBlocks(pageOf('docs/other-clients.md').text, 'js'))
    if (content.includes('new WebSocket(')) await page.addScriptTag({ content });
});

const HELLO: Saying = ['text', 'hello'];

const claims = (mode: string, seconds: number) =>
  ({ mode, channel: 'chat', sub: 'ada', exp: clock.inSeconds(seconds) }) as const;

const urlOf = async (mode = 'rw', seconds = 600): Promise<string> =>
  `${gateway.wsUrl}/chat/${await signToken(claims(mode, seconds))}`;

const sessions = (): number =>
  gateway.events.filter(({ event }) => event === 'session_started').length;

describe('A page with a WebSocket', () => {
  it('opens the raw protocol without a subprotocol and extensions, and says how it closes', async () => {
    const spoken = await page.evaluate(speak, { url: await urlOf(), says: [HELLO] });
    assert.deepEqual(spoken, {
      opened: { protocol: '', extensions: '' },
      payloads: ['hello'],
      end: [4123, 'done'],
    });
  });

  it('gets back as text what it sends as text, bytes or a Blob', async () => {
    // 60,000 bytes.
    const long = 'ü€😀x'.repeat(6_000);
    const says = [
      ['text', long],
      ['bytes', 'bytes ü'],
      ['blob', 'blob ü'],
      ['half', '!'],
    ] as const;
    const { payloads } = await page.evaluate(speak, { url: await urlOf(), says });
    assert.deepEqual(payloads, [long, 'bytes ü', 'blob ü', '\ufffd!']);
  });

  it('sees every refusal as 1006, and so an offer of a subprotocol that the raw protocol has not', async () => {
    const url = await urlOf();
    for (const asks of [
      { url: url.replace('/chat/', '/another/') },
      { url: await urlOf('rw', -1) },
      { url, offers: ['postern.v1'] },
    ])
      assert.deepEqual(await page.evaluate(speak, { says: [], ...asks }), {
        payloads: [],
        end: [1006, ''],
      });
  });

  it('is told that its token has ended, and by 1009 that it said too much', async () => {
    const earlier = sessions();
    const late = page.evaluate(speak, { url: await urlOf('rw', 60), says: [] });
    await until('its session', () => sessions() > earlier);
    clock.pass(60_000);
    assert.deepEqual((await late).end, [3001, 'JWT expired']);
    const says = [['text', 'x'.repeat(65_537)]] as const;
    const { payloads, end } = await page.evaluate(speak, { url: await urlOf(), says });
    assert.deepEqual([payloads, end[0]], [[], 1009]);
  });

  it('that may read is not heard, and one that may write is told nothing', async () => {
    const urls = { reader: await urlOf('r'), writer: await urlOf('w') };
    assert.deepEqual(await page.evaluate(converse, urls), { reader: ['one', 'two'], writer: [] });
  });

  it('speaks postern.v1 with its token in the first message', async () => {
    const token = await signToken({ ...claims('rw', 60), channels: ['chat'] });
    await page.evaluate(startV1, { url: `${gateway.wsUrl}/ws`, token });
    const told = await until('three replies and a message', async () => {
      const { messages } = await page.evaluate(said);
      return messages.length >= 4 && messages;
    });
    assert.deepEqual(
      told.flatMap(({ type, id }) => (type === 'ok' ? [id] : [])),
      [1, 2, 3],
    );
    assert.deepEqual(
      told.flatMap(({ payload }) => payload ?? []),
      [{ text: 'hello' }],
    );
    clock.pass(60_000);
    const end = await until('the end', async () => (await page.evaluate(said)).end);
    assert.deepEqual(end, [3001, 'JWT expired']);
  });
});
