import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { examine, finds } from '../support/doctor.ts';
import { ownServer } from '../support/own-server.ts';
import { demote } from '../support/replica.ts';
import { SECRET } from '../support/tokens.ts';

const server = await ownServer({ after });
const env = {
  POSTERN_DATABASE_URL: server.url,
  POSTERN_JWT_SECRET: SECRET,
  POSTERN_PORT: '0',
  POSTERN_URL_TOKENS: 'true',
};

describe('postern doctor', () => {
  it('finds a server that is stopped, in bounded time', async (t) => {
    const pid = server.pid();
    server.pause(pid);
    t.after(() => server.resume(pid));
    const examination = await examine(t, env);
    assert.equal(examination.code, 1);
    finds(examination, 'database', {
      status: 'problem',
      found: /the server does not answer in time/,
      mend: /stopped or overloaded/,
    });
    finds(examination, 'listen', { status: 'skipped', found: /cannot be asked/ });
  });

  it('finds a read replica', async (t) => {
    t.after(await demote(server));
    const examination = await examine(t, env);
    assert.equal(examination.code, 1);
    finds(examination, 'replica', {
      status: 'problem',
      found: /it is a read replica/,
      mend: /name the primary in POSTERN_DATABASE_URL/,
    });
    finds(examination, 'listen', { status: 'skipped', found: /a read replica hears nothing/ });
  });
});
