import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { complain, warn } from '#client/console.js';

import { withGlobal } from './support/globals.ts';
import { gap } from './support/subscribers.ts';

describe('What nobody has a function for', () => {
  it('comes to the console: a gap as a warning, an error as it is', (t) => {
    const lines: unknown[] = [];
    withGlobal(t, 'console', {
      warn: (...parts: unknown[]) => lines.push(['warn', ...parts]),
      error: (...parts: unknown[]) => lines.push(['error', ...parts]),
    });
    const error = new Error('a bug of the program');
    warn(gap('chat', 1));
    complain(error);
    assert.deepEqual(lines, [
      ['warn', 'postern: gap in chat (unknown_cursor), no onGap'],
      ['error', error],
    ]);
  });
});
