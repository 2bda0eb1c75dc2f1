import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readNotification } from '#gateway/postgres/envelope.js';
import { publicationFrame } from '#gateway/session/publication.js';

/** What a frame of up to 64 KiB says. */
function said(frame: Buffer): unknown {
  return JSON.parse(frame.toString('utf8', frame.readUInt8(1) < 126 ? 2 : 4));
}

describe('What subscribers are told of a notification', () => {
  it('is its channel, its payload and its time', () => {
    const text = '{"channel":"chat","payload":{"n":[1]}}';
    assert.deepEqual(said(publicationFrame(readNotification(text, 'db'), text, 1.5)), {
      type: 'message',
      channel: 'chat',
      payload: { n: [1] },
      at: 1.5,
    });
  });

  it('is its text where that nests too deep to be written again', () => {
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = `{"channel":"chat","payload":${nested}}`;
    const message = said(publicationFrame(readNotification(text, 'db'), text, 1.5));
    assert.deepEqual(message, { type: 'message', channel: 'chat', payload: text, at: 1.5 });
  });
});
