import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { quoteIdentifier } from '#gateway/postgres/identifier.js';

const refusal = { name: 'GatewayError', code: 'POSTERN_CONFIG' };

describe('quoteIdentifier', () => {
  it('keeps case, spaces and dashes', () => {
    assert.equal(quoteIdentifier('Postgres-websockets listener'), '"Postgres-websockets listener"');
  });

  it('doubles quotes, so that no name ends the identifier', () => {
    assert.equal(quoteIdentifier('a"; DROP TABLE b; --'), '"a""; DROP TABLE b; --"');
  });

  it('accepts 63 bytes and refuses 64, counted in UTF-8', () => {
    assert.equal(quoteIdentifier('x'.repeat(63)), `"${'x'.repeat(63)}"`);
    assert.equal(quoteIdentifier(`${'é'.repeat(31)}x`), `"${'é'.repeat(31)}x"`);

    assert.throws(() => quoteIdentifier('x'.repeat(64)), refusal);
    assert.throws(() => quoteIdentifier('é'.repeat(32)), refusal);
  });

  it('refuses what PostgreSQL cannot hold: nothing, and NUL', () => {
    assert.throws(() => quoteIdentifier(''), refusal);
    assert.throws(() => quoteIdentifier('a\0b'), refusal);
  });

  it('names the option to change, and not the name it was given', () => {
    assert.throws(
      () => quoteIdentifier('secret'.repeat(11)),
      (error: Error) =>
        error.message.includes('63 bytes') &&
        error.message.includes('POSTERN_DATABASE_CHANNEL') &&
        !error.message.includes('secret'),
    );
  });

  it('can be undone for every name that it accepts', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), (name) => {
        fc.pre(!name.includes('\0') && Buffer.byteLength(name) <= 63);
        const quoted = quoteIdentifier(name);
        assert.match(quoted, /^"(?:[^"]|"")*"$/s);
        assert.equal(quoted.slice(1, -1).replaceAll('""', '"'), name);
      }),
    );
  });
});
