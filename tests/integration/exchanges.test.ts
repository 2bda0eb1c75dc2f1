import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { exchanges } from '../support/exchanges.ts';
import { startGateway } from '../support/gateway.ts';
import { ownScope } from '../support/leaks.ts';
import { filesBelow, page, root } from '../support/pages.ts';

/** Set where the pages are to be written anew: `npm run docs:exchanges`. */
const isWriting = process.env['WRITE_EXCHANGES'] === 'true';

/** The mark of an exchange, and the block behind it. */
const MARKED = /<!-- exchange: ([\w ]+) -->\n\n```\n([^]*?)```/g;

const pages = filesBelow('docs')
  .filter((path) => path.endsWith('.md'))
  .map(page);
const shown = pages.flatMap(({ path, text }) =>
  [...text.matchAll(MARKED)].map(([, name = '', block = '']) => ({ path, name, block })),
);
const gateway = await startGateway({ after });

describe('The exchanges that pages show', () => {
  it('are all of those that are recorded, each once', () => {
    assert.deepEqual(shown.map(({ name }) => name).toSorted(), Object.keys(exchanges).toSorted());
  });

  for (const { path, name, block } of shown)
    it(`are what a gateway says: ${name}`, async (t) => {
      const recorded = await exchanges[name]?.({ scope: ownScope(t), gateway });
      if (isWriting) rewrite(path, name, recorded?.text ?? '');
      else assert.equal(block, recorded?.text, 'Mended by: npm run docs:exchanges');
    });
});

/** Puts what was recorded behind its mark. */
function rewrite(path: string, name: string, recorded: string): void {
  const { text } = page(path);
  const written = text.replace(MARKED, (all, marked: string) =>
    marked === name ? `<!-- exchange: ${name} -->\n\n\`\`\`\n${recorded}\`\`\`` : all,
  );
  writeFileSync(join(root, path), written);
}
