import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';

import { portOrAny } from '#gateway/cli/free-port.js';

import { failOnLeaks } from '../support/leaks.ts';

const scope = failOnLeaks();
const HOST = '127.0.0.1';

/** Takes a port of its own until the end of the test, or until it is given back. */
async function take() {
  const server = createServer();
  server.listen({ host: HOST, port: 0 });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const giveBack = async (): Promise<void> => {
    if (server.listening) await once(server.close(), 'close');
  };
  scope.after(giveBack);
  return { port: address.port, giveBack };
}

describe('portOrAny', () => {
  it('is any port while somebody has the one that is wanted: postern dev starts all the same', async () => {
    const { port } = await take();
    assert.equal(await portOrAny(HOST, port), 0);
  });

  it('is the port that is wanted, and leaves it free', async () => {
    const { port, giveBack } = await take();
    await giveBack();
    assert.equal(await portOrAny(HOST, port), port);
    assert.equal(await portOrAny(HOST, port), port);
  });
});
