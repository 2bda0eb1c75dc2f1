import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { optionRows } from '#gateway/config/options.js';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { listeningVariables } from './variables/listening.ts';
import { postgresVariables } from './variables/postgres.ts';
import { program } from './variables/program.ts';
import type { VariableTable } from './variables/program.ts';
import { tokenVariables } from './variables/tokens.ts';

const serve = program({ after }, failOnLeaks(), await freshDatabase({ after }));

/** The variables of postgres-websockets, and what each of them does in `postern serve`. */
const variables: VariableTable = {
  ...postgresVariables(serve),
  ...listeningVariables(serve),
  ...tokenVariables(serve),
};

for (const [variable, sentences] of Object.entries(variables)) {
  describe(variable, () => {
    for (const [sentence, proof] of Object.entries(sentences)) it(sentence, proof);
  });
}

it('Every variable of postgres-websockets is proved here', () => {
  const aliases = optionRows.flatMap((row) => row.aliases);
  const known = aliases.filter((name) => name.startsWith('PGWS_'));
  assert.deepEqual(Object.keys(variables).toSorted(), known.toSorted());
});
