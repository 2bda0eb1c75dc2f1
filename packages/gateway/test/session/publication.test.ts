import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readNotification } from '#gateway/postgres/envelope.js';
import { publicationText } from '#gateway/session/publication.js';

/** What is told of a text that came at 1.5 s. */
function told(text: string): unknown {
  const whereabouts = { text, at: 1.5, cursor: 'epoch.1' };
  return JSON.parse(publicationText(readNotification(text, 'db'), whereabouts));
}

describe('What subscribers are told of a notification', () => {
  it('is its channel, its payload, its place and its time', () => {
    const text = '{"channel":"chat","payload":{"n":[1]}}';
    assert.deepEqual(told(text), {
      type: 'message',
      channel: 'chat',
      payload: { n: [1] },
      cursor: 'epoch.1',
      at: 1.5,
    });
  });

  it('says who sent it, and nothing else of the claims', () => {
    const text = '{"channel":"chat","claims":{"sid":"s","sub":"ada"},"payload":1}';
    const message = { type: 'message', channel: 'chat', cursor: 'epoch.1', at: 1.5 };
    assert.deepEqual(told(text), { ...message, payload: 1, claims: { sub: 'ada' } });
    for (const claims of ['null', '[]', '"ada"', '{}', '{"sub":7}', '{"sub":{}}'])
      assert.deepEqual(told(`{"channel":"chat","claims":${claims},"payload":1}`), {
        ...message,
        payload: 1,
      });
  });

  it('is its text where that nests too deep to be written again', () => {
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = `{"channel":"chat","payload":${nested}}`;
    assert.deepEqual(told(text), {
      type: 'message',
      channel: 'chat',
      payload: text,
      cursor: 'epoch.1',
      at: 1.5,
    });
  });
});
