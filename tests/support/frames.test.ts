import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { closePayload, decodeFrame, encodeFrame, opcodes } from './frames.ts';

describe('The frames of the hostile client', () => {
  it('are read back as they were written, masked or not, whatever their length', () => {
    const lengths = fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 127, 65_535, 65_536, 65_537));
    fc.assert(
      fc.property(fc.nat(15), fc.boolean(), fc.boolean(), fc.nat(7), lengths, (...parts) => {
        const [opcode, fin, masked, rsv, length] = parts;
        const payload = Buffer.alloc(length, 'äb');
        const rest = Buffer.from('rest');
        const bytes = Buffer.concat([encodeFrame({ opcode, fin, masked, rsv, payload }), rest]);

        const frame = { opcode, fin, masked, rsv, payload };
        assert.deepEqual(decodeFrame(bytes), { frame, rest });
      }),
    );
  });

  it('match the examples of RFC 6455 §5.7', () => {
    const unmasked = encodeFrame({ opcode: opcodes.text, payload: 'Hello', masked: false });
    assert.equal(unmasked.toString('hex'), '810548656c6c6f');

    const masked = Buffer.from('818537fa213d7f9f4d5158', 'hex');
    assert.equal(decodeFrame(masked)?.frame.payload.toString(), 'Hello');
  });

  it('are waited for until their last byte', () => {
    const payload = Buffer.alloc(300);
    const bytes = encodeFrame({ opcode: opcodes.binary, payload });
    for (const end of [0, 1, 2, 3, 4, 8, bytes.length - 1]) {
      assert.equal(decodeFrame(bytes.subarray(0, end)), undefined);
    }
    assert.notEqual(decodeFrame(bytes), undefined);
  });

  it('can announce more than they hold', () => {
    const bytes = encodeFrame({
      opcode: opcodes.text,
      payload: 'x',
      announcedBytes: 100 * 2 ** 20,
    });
    assert.equal(bytes.readBigUInt64BE(2), 104_857_600n);
    assert.equal(decodeFrame(bytes), undefined);
  });

  it('carry the code and the reason of a close', () => {
    assert.equal(closePayload(3001, 'JWT expired').toString('latin1'), '\x0b\xb9JWT expired');
  });
});
