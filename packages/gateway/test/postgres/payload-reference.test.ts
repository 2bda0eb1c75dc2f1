import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readReference, writeReference } from '#gateway/postgres/payload-reference.js';

const ID = '0b8f4c1e-7d5a-4f2e-9c39-3f0f8f2f5b11';
const members = { id: ID, channel: 'chat', databaseChannel: 'listener' };

describe('A reference to a long text', () => {
  it('is read as it was written, whatever the channels are called', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ minLength: 1 }), fc.string(), (id, channel, other) => {
        const reference = { id, channel, databaseChannel: other };
        assert.deepEqual(readReference(writeReference(reference)), reference);
      }),
    );
  });

  for (const [what, text] of Object.entries({
    'a nonce': ID,
    'a word': 'revoked',
    nothing: '',
    'a part of one': writeReference(members).slice(0, -1),
    'a list': `[${writeReference(members)}]`,
    'other JSON': '{"id":1}',
    'one with a member too many': JSON.stringify({ ...members, more: 1 }),
    'one without a channel': JSON.stringify({ ...members, channel: '' }),
    'one whose channel is no text': JSON.stringify({ ...members, channel: ['chat'] }),
    'one whose database channel is no text': JSON.stringify({ ...members, databaseChannel: 7 }),
    'one whose id is none': JSON.stringify({ ...members, id: `${ID}'` }),
    'one whose id is in capitals': JSON.stringify({ ...members, id: ID.toUpperCase() }),
    'one with a prototype': `{"__proto__":{},"id":"${ID}","channel":"chat"}`,
  }))
    it(`is not ${what}`, () => {
      assert.equal(readReference(text), undefined);
    });

  it('is never found in arbitrary text, and never an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.equal(readReference(text), undefined);
      }),
    );
  });
});
