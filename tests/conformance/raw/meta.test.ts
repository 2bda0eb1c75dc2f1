import assert from 'node:assert/strict';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import type { WsClient } from '../../support/ws-client.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';
import { metaVariables, startMetaTargets } from './meta-targets.ts';

const MODERATOR = { mode: 'r', channel: 'meta', jti: 'moderator' } as const;

const scope = failOnLeaks();

const [openings, endings] = await Promise.all([
  startMetaTargets(),
  startTargets({ environment: { ...metaVariables, POSTERN_META_CLOSE: 'true' } }),
]);

/** The next message about anybody else than the moderator, as text with the time left out. */
async function nextAbout(moderator: WsClient, jti: string): Promise<string> {
  for (;;) {
    const text = await moderator.message();
    if (text.includes(`"jti":"${jti}"`)) {
      return text.replace(/"message_delivered_at":\d{10}\.\d{6}/, '"message_delivered_at":0');
    }
  }
}

for (const target of openings) {
  describeOn(target, 'the meta channel', () => {
    it('is told of each connection, and of its channels', async () => {
      const moderator = await target.connect(scope, MODERATOR);
      await target.connect(scope, { mode: 'w', channels: ['a', 'b,c'], jti: 'x' });
      assert.equal(
        await nextAbout(moderator, 'x'),
        '{"channel":"meta","claims":{"channels":["a","b,c"],"jti":"x","message_delivered_at":0,' +
          '"mode":"w"},"event":"ConnectionOpen","payload":"a,b,c"}',
      );
    });

    it('is told of the channel that the path picks', async () => {
      const moderator = await target.connect(scope, MODERATOR);
      await target.connect(scope, { mode: 'r', channels: ['a', 'b'], jti: 'y' }, 'b');
      assert.equal(JSON.parse(await nextAbout(moderator, 'y')).payload, 'b');
    });

    it('is told of no end', async () => {
      const moderator = await target.connect(scope, MODERATOR);
      const client = await target.connect(scope, { mode: 'rw', channel: 'chat', jti: 'z' });
      await nextAbout(moderator, 'z');
      await client.close();
      await target.connect(scope, { mode: 'rw', channel: 'chat', jti: 'z' });
      assert.match(await nextAbout(moderator, 'z'), /ConnectionOpen/);
    });
  });
}

for (const target of endings) {
  describeOn(target, 'the meta channel, with ends', () => {
    it('is told of the close code', async () => {
      const moderator = await target.connect(scope, MODERATOR);
      const client = await target.connect(scope, { mode: 'rw', channel: 'chat', jti: 'x' });
      await nextAbout(moderator, 'x');
      await client.close(4321);
      assert.equal(
        await nextAbout(moderator, 'x'),
        '{"channel":"meta","claims":{"channel":"chat","jti":"x","message_delivered_at":0,' +
          '"mode":"rw"},"code":4321,"event":"ConnectionClose","payload":"chat"}',
      );
    });

    it('is told 1006 when the connection broke', async () => {
      const moderator = await target.connect(scope, MODERATOR);
      const client = await target.connect(scope, { mode: 'rw', channel: 'chat', jti: 'y' });
      await nextAbout(moderator, 'y');
      client.terminate();
      assert.equal(JSON.parse(await nextAbout(moderator, 'y')).code, 1006);
    });
  });
}
