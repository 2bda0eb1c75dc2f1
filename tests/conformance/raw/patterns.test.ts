import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';
import type { Claims } from '../targets.ts';

/** Claims, the channel in the path, and what the client may do there; `undefined`: it is refused. */
const cases: readonly (readonly [Claims, string, string | undefined])[] = [
  [{ mode: 'rw', channels: ['room:*'] }, 'room:1', 'rw'],
  [{ mode: 'rw', channels: ['room:*'] }, 'room:1:2', 'rw'],
  [{ mode: 'r', channels: ['*'] }, 'anything', 'r'],
  [{ mode: 'rw', channels: ['user:{sub}'], sub: 'ada' }, 'user:ada', 'rw'],
  [{ channels: { news: 'r', 'room:*': 'rw' } }, 'news', 'r'],
  [{ channels: { news: 'r', 'room:*': 'rw' } }, 'room:7', 'rw'],
  [{ mode: 'r', channels: { 'room:*': 'rw' } }, 'room:7', 'r'],
  [{ mode: 'rw', channels: ['room:*'] }, 'rooms:1', undefined],
  [{ mode: 'rw', channels: ['room:*'] }, 'room', undefined],
  [{ mode: 'rw', channels: ['room:*'] }, 'room:*', undefined],
  [{ mode: 'rw', channels: ['user:{sub}'], sub: '*' }, 'user:bo', undefined],
  [{ mode: 'rw', channels: ['user:{sub}'] }, 'user:undefined', undefined],
  [{ mode: 'w', channels: { news: 'r' } }, 'news', undefined],
];

const scope = failOnLeaks();

const targets = await startTargets({ environment: { POSTERN_CHANNEL_PATTERNS: 'true' } });

for (const target of targets) {
  describeOn(target, 'with channel patterns', () => {
    for (const [claims, channel, allowed] of cases) {
      it(`lets ${JSON.stringify(claims)} ${allowed ?? 'not'} into ${channel}`, async () => {
        if (allowed === undefined) {
          const answer = await target.handshake({ target: await pathOf(claims, channel) });
          assert.deepEqual([answer.status, answer.body], [400, 'No allowed channels']);
          return;
        }
        const witness = await target.connect(scope, { mode: 'rw', channel });
        const client = await target.connect(scope, claims, channel);
        client.send('from the client');
        await client.ping();
        witness.send('from the witness');

        const heard = [await witness.message()];
        if (allowed.includes('w')) heard.push(await witness.message());
        const payloads = heard.map((text) => JSON.parse(text).payload);
        assert.equal(payloads.includes('from the client'), allowed.includes('w'));
        const { payload } = JSON.parse(await client.message());
        assert.equal(payload, allowed.includes('w') ? 'from the client' : 'from the witness');
      });
    }

    it('gives a connection without a channel in its path what is named exactly', async () => {
      const claims = { channels: { news: 'r', log: 'w', 'room:*': 'rw' } };
      const client = await target.connect(scope, claims);
      const news = await target.connect(scope, { mode: 'rw', channel: 'news' });
      const log = await target.connect(scope, { mode: 'rw', channel: 'log' });

      client.send('to log alone');
      assert.equal(JSON.parse(await log.message()).payload, 'to log alone');
      log.send('not for the client');
      await log.message();
      news.send('for the client');
      assert.equal(JSON.parse(await client.message()).payload, 'for the client');
      assert.equal(JSON.parse(await news.message()).payload, 'for the client');
    });

    it('refuses a token that names nothing exactly, when the path names nothing either', async () => {
      const claims = { mode: 'rw', channels: ['room:*', 'user:{sub}'] };
      const answer = await target.handshake({ target: await pathOf(claims) });
      assert.deepEqual([answer.status, answer.body], [400, 'No allowed channels']);
    });
  });
}
