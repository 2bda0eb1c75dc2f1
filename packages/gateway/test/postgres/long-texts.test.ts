import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LONGEST_ENVELOPE_BYTES } from '#gateway/postgres/envelope.js';
import { longTextsIn } from '#gateway/postgres/long-texts.js';
import { readReference } from '#gateway/postgres/payload-reference.js';

/** An envelope of so many bytes. */
function envelope(bytes: number, channel = 'chat'): string {
  const start = `{"channel":${JSON.stringify(channel)},"payload":"`;
  return `${start.padEnd(bytes - 2, 'x')}"}`;
}

describe('The long texts of a message', () => {
  it('are none as long as NOTIFY takes all', () => {
    assert.deepEqual(longTextsIn([envelope(7_999), '', 'x'], 'listener'), []);
  });

  it('are at their places, each with a reference of its own that says its channel', () => {
    const longs = longTextsIn(['short', envelope(8_000), envelope(9_000, 'ré"'), 'x'], 'listener');
    assert.deepEqual([longs?.length, longs?.[0], longs?.[3]], [4, undefined, undefined]);
    const references = [longs?.[1], longs?.[2]].map((long) => readReference(long?.reference ?? ''));
    assert.deepEqual(
      references.map((reference) => [reference?.channel, reference?.databaseChannel]),
      [
        ['chat', 'listener'],
        ['ré"', 'listener'],
      ],
    );
    assert.deepEqual([references[0]?.id, references[1]?.id], [longs?.[1]?.id, longs?.[2]?.id]);
    assert.notEqual(references[0]?.id, references[1]?.id);
  });

  it('may have 1 MiB, and no more, or none of them is sent', () => {
    assert.equal(longTextsIn([envelope(LONGEST_ENVELOPE_BYTES)], 'listener')?.length, 1);
    const tooLong = envelope(LONGEST_ENVELOPE_BYTES + 1);
    assert.equal(longTextsIn(['short', tooLong], 'listener'), undefined);
  });

  it('need a channel whose name a reference can hold', () => {
    assert.equal(longTextsIn([envelope(20_000, 'c'.repeat(7_000))], 'listener')?.length, 1);
    assert.equal(longTextsIn([envelope(20_000, 'c'.repeat(7_990))], 'listener'), undefined);
  });
});
