import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditMark, userOf } from '#gateway/observe/audit.js';

describe('auditMark', () => {
  it('says what became of somebody who was kept out or sent away', () => {
    assert.deepEqual(auditMark('tokenInvalid'), { audit: true, outcome: 'refused' });
    assert.deepEqual(auditMark('tokenExpired'), { audit: true, outcome: 'expired' });
    assert.deepEqual(auditMark('originDenied'), { audit: true, outcome: 'forbidden' });
    assert.deepEqual(auditMark('slowConsumer'), { audit: true, outcome: 'limited' });
  });

  it('is nothing for what is no matter of who may do what', () => {
    for (const failure of [
      'normal',
      'goingAway',
      'backendUnavailable',
      'abnormal',
      'other',
    ] as const)
      assert.deepEqual(auditMark(failure), {});
  });
});

describe('userOf', () => {
  it('is the subject of the claims', () => {
    assert.equal(userOf({ sub: 'ada@example.com' }), 'ada@example.com');
    assert.equal(userOf({ sub: 'Grüße 👋' }), 'Grüße 👋');
  });

  it('is nobody when the claims name nobody', () => {
    assert.equal(userOf(undefined), undefined);
    for (const sub of [undefined, null, 7, {}, ['ada']]) assert.equal(userOf({ sub }), undefined);
    assert.equal(userOf(Object.create({ sub: 'inherited' })), undefined);
  });

  it('cannot pass for another line, nor turn letters round', () => {
    assert.equal(userOf({ sub: 'a\n{"audit":true}\r\0\x1b[2J' }), 'a�{"audit":true}���[2J');
    assert.equal(userOf({ sub: 'a\u202Eb\u2028c\u200Bd\uD800e' }), 'a�b�c�d�e');
  });

  it('is short and whole, whatever a token holds', () => {
    assert.equal(userOf({ sub: 'x'.repeat(8_000) }), 'x'.repeat(128));
    assert.equal(userOf({ sub: '👋'.repeat(200) }), '👋'.repeat(128));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (sub) => {
        const user = userOf({ sub }) ?? assert.fail();
        assert.ok(Array.from(user).length <= 128);
        assert.doesNotMatch(user, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
