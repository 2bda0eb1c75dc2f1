import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';
import type { Claims } from '../targets.ts';
import { startMetaTargets } from './meta-targets.ts';

/** The claims of a token, the channel in its path, and the channels that are granted, in order. */
const grants: readonly (readonly [Claims, string | undefined, readonly string[]])[] = [
  [{ channel: 'a' }, undefined, ['a']],
  [{ channels: ['a', 'b'] }, undefined, ['a', 'b']],
  [{ channel: 'c', channels: ['a', 'b'] }, undefined, ['c', 'a', 'b']],
  [{ channel: 'b', channels: ['a', 'b', 'a'] }, undefined, ['b', 'a']],
  [{ channel: 'c', channels: ['a', 'b'] }, 'c', ['c']],
  [{ channel: 'c', channels: ['a', 'b'] }, 'b', ['b']],
  [{ channels: ['room:*', '*', 'user:{sub}'] }, undefined, ['room:*', '*', 'user:{sub}']],
  [{ channels: ['room:*'] }, 'room:*', ['room:*']],
  [{}, 'anything at all', ['anything at all']],
];

const scope = failOnLeaks();

const [targets, closedTargets] = await Promise.all([
  startMetaTargets(),
  startTargets({ environment: { POSTERN_OPEN_CHANNELS: 'false' } }),
]);

for (const target of targets) {
  describeOn(target, 'the channels that are granted', () => {
    for (const [claims, pathChannel, channels] of grants) {
      const path = pathChannel === undefined ? 'a token alone' : `the path of ${pathChannel}`;
      it(`for ${path} and ${JSON.stringify(claims)} are ${channels.join(', ')}`, async () => {
        const meta = await target.connect(scope, { mode: 'r', channel: 'meta' });
        await target.connect(scope, { mode: 'rw', ...claims, jti: 'newcomer' }, pathChannel);

        const opened = [await meta.message(), await meta.message()].map((text) => JSON.parse(text));
        const newcomer = opened.find((message) => message.claims.jti === 'newcomer');
        assert.equal(newcomer.payload, channels.join(','));
      });
    }

    it('are those of that very name, though it looks like a pattern', async () => {
      const path = await pathOf({ mode: 'rw', channels: ['room:*', '*'] }, 'room:1');
      const { status, body } = await target.handshake({ target: path });
      assert.deepEqual([status, body], [400, 'No allowed channels']);
    });

    it('get each message once, and no other channel does', async () => {
      const claims = { mode: 'rw', channel: 'b', channels: ['a', 'b'] };
      const sender = await target.connect(scope, claims);
      const narrowed = await target.connect(scope, claims, 'a');
      const other = await target.connect(scope, { mode: 'rw', channel: 'other' });

      sender.send('hello');
      const heard = await Promise.all([sender.message(), sender.message()]);
      assert.deepEqual(
        heard.map((text) => JSON.parse(text).channel),
        ['b', 'a'],
      );
      assert.equal(JSON.parse(await narrowed.message()).channel, 'a');
      other.send('the end');
      await other.message();
      assert.deepEqual(
        [sender, narrowed, other].map(({ messages }) => messages.length),
        [2, 1, 1],
      );
    });
  });
}

for (const target of closedTargets) {
  describeOn(target, 'with open channels off', () => {
    it('no channel is granted that a token does not name', async () => {
      const path = await pathOf({ mode: 'rw' }, 'chat');
      const { status, body } = await target.handshake({ target: path });
      assert.deepEqual([status, body], [400, 'No allowed channels']);
    });
  });
}
