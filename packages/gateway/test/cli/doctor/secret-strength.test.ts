import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { weaknessOf } from '#gateway/cli/doctor/secret-strength.js';

const of = (text: string) => weaknessOf(Buffer.from(text));

describe('The weakness of a secret', () => {
  it('is certain where it is published, repeated, or made of few bytes', () => {
    for (const [text, what] of [
      ['a-string-secret-at-least-256-bits-long', /published/],
      ['Your-Super-Secret-JWT-Token-With-At-Least-32-Characters-Long\n', /published/],
      ['secret'.repeat(7), /the same 6 bytes/],
      // A short one stretched to the length asked for, its last repetition cut off.
      ['secretsecretsecretsecretsecretse', /the same 6 bytes/],
      ['0'.repeat(40), /the same 1 bytes/],
      ['abcdabdcacbdacdbadbcadcbbacdbadcbcad', /4 different bytes/],
    ] as const) {
      assert.match(of(text)?.what ?? '', what);
      assert.equal(of(text)?.guessed, true);
    }
  });

  it('is likely where people seem to have written it', () => {
    for (const [text, what] of [
      ['correct horse battery staple and more', /words/],
      ['Never-Gonna-Give-You-Up-Never-Gonna-Let', /words/],
      ['pleaseChangeMe-9Kq2vXw8LmZr4TnB7YcD', /placeholder/],
      ['31415926535897932384626433832795028841971', /different bytes/],
    ] as const)
      assert.match(of(text)?.what ?? '', what);
  });

  it('is not seen in random bytes, however they are written', () => {
    for (let times = 0; times < 200; times++) {
      const bytes = randomBytes(48);
      assert.equal(weaknessOf(bytes), undefined);
      assert.equal(of(bytes.toString('base64'))?.guessed ?? false, false);
      assert.equal(of(bytes.toString('hex'))?.guessed ?? false, false);
    }
  });

  it('is seen in whatever repeats, wherever it is cut off', () => {
    const unit = fc.string({ minLength: 1, maxLength: 16 });
    const property = fc.property(unit, fc.integer({ min: 32, max: 64 }), (text, length) => {
      const bytes = Buffer.from(text.repeat(64)).subarray(0, length);
      assert.equal(weaknessOf(bytes)?.guessed, true);
    });
    fc.assert(property);
  });
});
