import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { failures } from '@postern/client/protocol';
import type { Failure } from '@postern/client/protocol';
import {
  closeCodeLabel,
  endingLabel,
  endingLabels,
  refusalLabel,
  refusalLabels,
} from '#gateway/observe/labels.js';

const rows = Object.entries<Failure>(failures);

describe('endingLabel', () => {
  it('is the name of the failure that a connection is ended for', () => {
    for (const [name, failure] of rows)
      assert.equal(endingLabel(failure), failure.close === undefined ? 'other' : name);
  });

  it('is one of a few, whatever an end is made of', () => {
    assert.equal(endingLabel({ ...failures.forbidden }), 'other');
  });
});

describe('closeCodeLabel', () => {
  it('is the name of the failure that has the close code', () => {
    for (const [name, { close }] of rows)
      if (close !== undefined) assert.equal(closeCodeLabel(close), name);
  });

  it('has a word for an end without a code, and for one without a close frame', () => {
    assert.equal(closeCodeLabel(1005), 'noStatus');
    assert.equal(closeCodeLabel(1006), 'abnormal');
  });

  it('is one of a few, whatever code a client closes with', () => {
    fc.assert(
      fc.property(fc.integer(), (code) => {
        assert.ok(endingLabels.includes(closeCodeLabel(code)));
      }),
    );
    assert.equal(closeCodeLabel(4999), 'other');
    assert.equal(new Set(endingLabels).size, endingLabels.length);
  });
});

describe('refusalLabel', () => {
  it('is the name of the failure that a handshake is refused for', () => {
    for (const [name, failure] of rows)
      assert.equal(refusalLabel(failure), failure.http === undefined ? 'other' : name);
  });

  it('is one of a few, whatever a refusal is made of', () => {
    assert.equal(refusalLabel({ ...failures.forbidden }), 'other');
    assert.ok(refusalLabels.includes('other'));
  });
});
