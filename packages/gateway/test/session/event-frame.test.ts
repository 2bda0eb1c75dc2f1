import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { failures } from '@postern/client/protocol';
import { eventFrame, lastEvent, markFrame, textEvent } from '#gateway/session/event-frame.js';

describe('An event of a stream', () => {
  it('has its fields in lines, and ends with an empty one', () => {
    const message = { type: 'status', database: 'up' } as const;
    assert.equal(
      eventFrame(message, { id: 'e.1', retry: 1_000 }).toString(),
      'retry: 1000\nid: e.1\nevent: status\ndata: {"type":"status","database":"up"}\n\n',
    );
    assert.equal(
      eventFrame(message).toString(),
      'event: status\ndata: {"type":"status","database":"up"}\n\n',
    );
    assert.equal(
      textEvent('message', '{}', { id: 'e.2' }).toString(),
      'id: e.2\nevent: message\ndata: {}\n\n',
    );
    assert.equal(markFrame('e.3').toString(), 'id: e.3\n\n');
  });

  it('is one event, whatever is in its message', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\r', '\r\n', '\n\nevent: x', '\0', '\u2028', '\ufeff', '\ud800'),
    );
    fc.assert(
      fc.property(
        fc.array(texts).map((all) => all.join('')),
        (payload) => {
          const message = {
            type: 'message',
            channel: payload,
            payload,
            cursor: 'e.1',
            at: 1,
          } as const;
          const lines = eventFrame(message, { id: 'e.1' })
            .toString()
            .split(/\r\n|\r|\n/);
          assert.equal(lines.length, 5);
          assert.deepEqual(
            [lines[0], lines[1], lines[3], lines[4]],
            ['id: e.1', 'event: message', '', ''],
          );
          assert.deepEqual(JSON.parse(lines[2]?.slice('data: '.length) ?? ''), message);
        },
      ),
    );
  });

  it('that is the last says for what, and what to do then', () => {
    for (const [name, row] of Object.entries(failures)) {
      if (!('close' in row)) continue;
      const { close: code, reason, retry } = row;
      const type = name === 'tokenExpired' ? 'expired' : 'closed';
      const [event, data = ''] = lastEvent(row).toString().split('\n');
      assert.equal(event, `event: ${type}`);
      assert.deepEqual(JSON.parse(data.slice('data: '.length)), { type, code, reason, retry });
    }
  });
});
