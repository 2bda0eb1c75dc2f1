import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  asObject,
  decodeBase64,
  decodeBase64url,
  decodeUtf8,
  own,
  parseObject,
} from '#gateway/auth/decode.js';

describe('decodeBase64url', () => {
  it('reads what an encoder writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url');
        assert.deepEqual(decodeBase64url(text), Buffer.from(bytes));
      }),
    );
  });

  it('takes no second spelling of the same bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        const bytes = decodeBase64url(text);
        if (bytes !== undefined) assert.equal(bytes.toString('base64url'), text);
      }),
    );
  });

  for (const text of ['YQ==', 'YR', 'Y', 'Y Q', ' YQ', 'YQ\n', 'a+b_', 'a/b-', 'YQ\0', 'ÿÿ', 'YQé'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(decodeBase64url(text), undefined);
    });
});

describe('decodeBase64', () => {
  const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x01]);

  for (const text of ['+//+AQ==', '-__-AQ', '-__-AQ..', ' +//+AQ= \n', '+/_-AQ.'])
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(decodeBase64(text), bytes);
    });

  for (const text of ['+//+AQ===', '+//+\nAQ==', 'not base64', '+//+A', '+//+AR', '=+//+AQ'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(decodeBase64(text), undefined);
    });
});

describe('decodeUtf8', () => {
  it('reads what an encoder writes, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(decodeUtf8(Buffer.from(`\uFEFF${text}`)), `\uFEFF${text}`);
      }),
    );
  });

  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]])
    it(`refuses the bytes ${bytes.map((byte) => byte.toString(16)).join(' ')}`, () => {
      assert.equal(decodeUtf8(Uint8Array.from(bytes)), undefined);
    });
});

describe('parseObject', () => {
  it('reads every JSON object as it is, and no other JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        assert.equal(parseObject(JSON.stringify(value)) !== undefined, isObject);
        assert.equal(asObject(value) !== undefined, isObject);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseObject(text) === undefined || true));
  });

  it('keeps a member called __proto__ a member', () => {
    const parsed = parseObject('{"__proto__":{"mode":"rw"}}') ?? {};
    assert.deepEqual(own(parsed, '__proto__'), { mode: 'rw' });
    assert.equal(own(parsed, 'mode'), undefined);
  });
});

describe('own', () => {
  it('sees no member of a prototype', () => {
    const inherited: Record<string, unknown> = Object.create({ mode: 'rw' });
    assert.equal(own(inherited, 'mode'), undefined);
    assert.equal(own({}, 'constructor'), undefined);
    assert.equal(own({ mode: 'r' }, 'mode'), 'r');
  });
});
