import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { anchorsOf, codeBlocks, filesBelow, headingsOf, linksOf } from './pages.ts';

const text = `# The page: \`a\`, b

[near](#one-2) [far](../far.md#x) [web](https://example.com/a.md)

\`\`\`sh
# no heading [no](link.md)
\`\`\`

## 1.2 One, 2
`;

describe('a page', () => {
  const sample = { path: 'guide/sample.md', text };

  it('has links into the repository, but none of the web and none in code', () => {
    assert.deepEqual(linksOf(sample), [
      { target: '#one-2', path: 'guide/sample.md', anchor: 'one-2' },
      { target: '../far.md#x', path: 'far.md', anchor: 'x' },
    ]);
  });

  it('has headings, none in code', () => {
    assert.deepEqual(headingsOf(text), ['The page: `a`, b', '1.2 One, 2']);
  });

  it('has the anchors that its headings are reached by', () => {
    assert.deepEqual(anchorsOf(sample), ['the-page-a-b', '12-one-2']);
  });

  it('has blocks of code by language', () => {
    assert.deepEqual(codeBlocks(text, 'sh'), ['# no heading [no](link.md)\n']);
    assert.deepEqual(codeBlocks(text, 'js'), []);
  });
});

describe('the files of the repository', () => {
  it('are found without those that were installed or built', () => {
    const files = filesBelow('.');
    assert.ok(files.includes('package.json'));
    assert.ok(files.includes('tests/support/pages.ts'));
    assert.ok(!files.some((path) => /node_modules|(^|\/)(dist|build)\//.test(path)));
  });
});
