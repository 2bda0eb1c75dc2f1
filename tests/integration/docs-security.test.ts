import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { filesBelow, page } from '../support/pages.ts';

/** A link to a test file, and the title of a test in it. */
const PROOF = /\]\(\.\.\/([^)\s]+\.test\.ts)\): \*([^*]+)\*/g;

describe('the page on security', () => {
  const { text } = page('docs/security.md');
  const proofs = [...text.matchAll(PROOF)];

  it('names only tests that there are, by file and title', () => {
    const files = filesBelow('.');
    for (const [, path = '', title = ''] of proofs) {
      assert.ok(files.includes(path), path);
      assert.ok(page(path).text.includes(`it('${title}'`), `${path}: ${title}`);
    }
  });

  it('names one for each attack', () => {
    const [, section = ''] = text.split(/^## .*$/m);
    const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
    assert.ok(rows.length >= 15);
    for (const row of rows) assert.equal([...row.matchAll(PROOF)].length, 1, row);
  });
});
