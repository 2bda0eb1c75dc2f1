import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { makeBundles } from '../support/bundles.ts';
import { leaveES5 } from '../support/es5.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { sharedChromium } from './chromium.ts';
import { followInOldPage, OLD_GLOBALS } from './old-page.ts';
import type { Line } from './old-page.ts';
import { browse, open, startSites } from './sites.ts';

/** How long the logins last that the page shows, one after the other. A session is warned at once of an end so near. */
const LIVES_SECONDS = [20, 25];

/** All later ones. */
const LONG_SECONDS = 3_600;

const clock = new JumpingClock();
const [chromium, script] = await Promise.all([
  sharedChromium(),
  makeBundles({ after }).then((folder) => readFile(join(folder, 'postern.es5.js'), 'utf8')),
]);
let logins = 0;
const sites = await startSites(
  { after },
  {
    hooks: { clock },
    contents: {
      '/': () => ['text/html', page()],
      '/postern.es5.js': () => ['text/javascript', script],
      '/bearer': async () => {
        const exp = clock.inSeconds(LIVES_SECONDS[logins++] ?? LONG_SECONDS);
        return ['text/plain', await signToken({ ...SITE_CLAIMS, exp })];
      },
      '/publish': async () => {
        const text = JSON.stringify({ channel: 'chat', payload: 'missed' });
        await sites.gateway.query('SELECT pg_notify($1, $2)', [sites.gateway.channel, text]);
        return ['text/plain', ''];
      },
    },
  },
);
const scope = failOnLeaks();

describe('A browser that has no more than ES5', () => {
  it('subscribes, publishes once, stays by another token, and gets what it missed after the end of one', async () => {
    const tab = await open(await browse(scope, chromium), sites.origin('app.test'));
    await linesUntil(
      tab,
      'the renewal, and what was published',
      (all) =>
        [...linesOf(all, 'open'), ...linesOf(all, 'published'), ...linesOf(all, 'message')]
          .length === 5,
    );
    clock.pass(60_000);
    const lines = await linesUntil(
      tab,
      'the message that it missed',
      (all) => linesOf(all, 'message').length === 2,
    );

    // Neither waits for what follows.
    const [answers, messages] = ['published', 'message'].map((kind) =>
      linesOf(lines, kind).map(([, detail]) => detail),
    );
    assert.deepEqual(answers, [{ duplicate: false }, { duplicate: true }]);
    assert.deepEqual(messages, ['hello', 'missed']);
    const story = lines.filter(([kind]) => kind !== 'published' && kind !== 'message');
    assert.deepEqual(
      story.map(([kind, detail]) => (kind === 'open' ? [kind] : [kind, detail])),
      [
        ['has', 'object undefined undefined undefined undefined'],
        ['connecting', null],
        ['open'],
        ['subscribed', null],
        ['open'],
        ['connecting', 'token_expired'],
        ['open'],
        ['subscribed', true],
      ],
    );
    const [first = [], renewed = [], next = []] = linesOf(lines, 'open');
    assert.equal(renewed[1], first[1]);
    assert.ok(Number(renewed[2]) > Number(first[2]), `${renewed[2]} > ${first[2]}`);
    assert.notEqual(next[1], first[1]);
    assert.equal((await sites.gateway.logged('session_ended'))['code'], 3001);
  });
});

/** What the page has written down, once that is enough. Complaints always are. */
async function linesUntil(
  tab: Page,
  what: string,
  isEnough: (lines: readonly Line[]) => boolean,
): Promise<readonly Line[]> {
  let lines: readonly Line[] = [];
  const complaints = (): readonly Line[] => linesOf(lines, 'complaint');
  await until(what, async () => {
    // In a world of its own: that of the page has nothing of what a look into it needs.
    lines = JSON.parse((await tab.textContent('#told')) || '[]');
    return isEnough(lines) || complaints().length > 0;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${JSON.stringify(lines)}`));
  assert.deepEqual(complaints(), []);
  return lines;
}

function linesOf(lines: readonly Line[], kind: string): readonly Line[] {
  return lines.filter(([one]) => one === kind);
}

function page(): string {
  return `<!doctype html><title>page</title><pre id="told"></pre>
    <script>(${String(leaveES5)})(${JSON.stringify(OLD_GLOBALS)})</script>
    <script src="/postern.es5.js"></script>
    <script>(${String(followInOldPage)})(${JSON.stringify(sites.gatewayUrl)})</script>`;
}
