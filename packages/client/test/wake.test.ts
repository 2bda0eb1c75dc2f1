import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { onWake } from '#client/wake.js';

import { withGlobal } from './support/globals.ts';

describe('onWake', () => {
  it('calls when the network is back or the page is looked at, until it is ended', (t) => {
    const page = new EventTarget();
    withGlobal(t, 'addEventListener', page.addEventListener.bind(page));
    withGlobal(t, 'removeEventListener', page.removeEventListener.bind(page));
    let calls = 0;
    const stop = onWake(() => void (calls += 1));
    assert.equal(calls, 0);
    page.dispatchEvent(new Event('online'));
    page.dispatchEvent(new Event('visibilitychange'));
    page.dispatchEvent(new Event('offline'));
    assert.equal(calls, 2);
    stop();
    stop();
    page.dispatchEvent(new Event('online'));
    page.dispatchEvent(new Event('visibilitychange'));
    assert.equal(calls, 2);
  });

  it('is harmless in a program, which is told nothing of the kind', (t) => {
    withGlobal(t, 'addEventListener', undefined);
    onWake(() => assert.fail('called'))();
  });
});
