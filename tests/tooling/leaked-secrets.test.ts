import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';

import type { Scope } from '../support/postgres.ts';
import { start } from './test-run.ts';

const HEADER = 'eyJhbGciOiJIUzI1NiJ9';
const CLAIMS = 'eyJzdWIiOiJhZGEifQ';
const PASSWORD = 'a password of somebody';

/** A run in which one test file gathers these secrets and these lines. */
async function run(
  scope: Scope,
  { secrets = [PASSWORD], said }: { secrets?: readonly string[]; said: readonly string[] },
) {
  const { child, text } = await gathering(scope, 'tests/integration/a.test.ts', secrets, said);
  return { code: (await child.exited()).code, text: text() };
}

async function gathering(
  scope: Scope,
  path: string,
  secrets: readonly string[],
  said: readonly string[],
) {
  const test = `
    import { gather } from '../support/evidence-files.js';
    for (const line of ${JSON.stringify(secrets)}) gather('secrets', line + '\\n', 1);
    for (const line of ${JSON.stringify(said)}) gather('said', line + '\\n', 2);`;
  // What it prints is a leak on purpose.
  const child = await start(scope, { [path]: test }, { printsCredentials: true });
  return { child, text: () => child.stdout + child.stderr };
}

describe('npm test, over the logs of a run', () => {
  it('passes when no secret is in them, and says how much it looked through', async (t) => {
    const { code, text } = await run(t, { said: ['one', 'two', 'one'] });
    assert.equal(code, 0, text);
    assert.match(text, /^1 secrets looked for in 3 lines of logs: 0 leaked$/m);
  });

  const leaks: Readonly<Record<string, string>> = {
    'a secret of the run': `{"event":"x","why":"${PASSWORD}!"}`,
    'a token that nobody gathered': `{"event":"x","why":"${HEADER}.${CLAIMS}.c2lnbmF0dXJl"}`,
    'a token that was cut off': `{"event":"x","why":"${HEADER}.${CLAIMS}"}`,
    'what the log itself had to hide': '{"event":"x","token":"[redacted]"}',
  };
  for (const [what, line] of Object.entries(leaks)) {
    it(`fails for ${what}, and shows the line`, async (t) => {
      const { code, text } = await run(t, { said: ['harmless', line, line] });
      assert.equal(code, 1, text);
      assert.match(text, /: 1 leaked$/m);
      assert.ok(text.includes(`Leaked: ${line}`), text);
    });
  }

  it('fails for a part of a secret, wherever it is cut', async (t) => {
    const secret = randomBytes(48).toString('base64url');
    for (const [start, end] of [
      [0, 16],
      [0, 31],
      [7, 38],
      [33, 64],
      [48, 64],
    ]) {
      const { code } = await run(t, { secrets: [secret], said: [`(${secret.slice(start, end)})`] });
      assert.equal(code, 1, `${start}-${end}`);
    }
    const other = randomBytes(48).toString('base64url');
    assert.equal((await run(t, { secrets: [secret], said: [other] })).code, 0);
  });

  for (const [what, secrets, said] of [
    ['secrets', [], ['a line']],
    ['lines', [PASSWORD], []],
  ] as const) {
    it(`fails when the tests of the log gathered no ${what}`, async (t) => {
      const path = 'tests/security/secrets.test.ts';
      const { child, text } = await gathering(t, path, secrets, said);
      assert.equal((await child.exited()).code, 1);
      assert.match(text(), /^Nothing was gathered to look through\.$/m);
    });
  }
});
