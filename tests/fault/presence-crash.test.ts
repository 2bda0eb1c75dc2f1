import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import { shown } from '../support/presence.ts';
import { inSeconds } from '../support/tokens.ts';

const scope = failOnLeaks();
const PATIENCE_MS = 20_000;
/** Far less than a third of the lease of 30 s, at which all of it would be found out anyway. */
const SOON_MS = 5_000;

const claimsOf = (sub: string) => ({ mode: 'rw', channel: 'chat', sub, exp: inSeconds(600) });

/** A server of its own, and a gateway there that has begun. */
async function start(settings: Readonly<Record<string, string>> = {}) {
  const server = await ownServer(scope, { settings });
  const gateway = await startGateway(scope, {
    databaseUrl: server.url,
    environment: { POSTERN_DATABASE_CHANNEL: server.channel },
  });
  await gateway.logged('presence_kept');
  return { server, ...gateway };
}

describe('postern.sessions, when PostgreSQL', () => {
  it('loses a backend to kill -9, and with it all that is unlogged, shows everybody again', async () => {
    // Else the crash would take the migration along.
    const { server, client, logged } = await start({ synchronous_commit: 'on' });
    const clients = [await client(claimsOf('ada')), await client(claimsOf('bob'))];
    await shown(server.query, ['ada', 'bob']);
    process.kill(await server.listenBackendPid(server.channel), 'SIGKILL');
    await logged('listener_restored', PATIENCE_MS);
    await shown(server.query, ['ada', 'bob'], SOON_MS);
    await Promise.all(clients.map((one) => one.close()));
    await shown(server.query, []);
  });

  it('was away for a while, shows those who are left', async () => {
    const { server, client, logged } = await start();
    const [ada, bob] = [await client(claimsOf('ada')), await client(claimsOf('bob'))];
    await shown(server.query, ['ada', 'bob']);
    await server.stop();
    await logged('listener_lost');
    await ada.close();
    await server.start();
    await logged('listener_restored', PATIENCE_MS);
    await shown(server.query, ['bob'], PATIENCE_MS);
    await bob.close();
  });

  it('cuts off the listener alone, goes on showing everybody', async () => {
    const { server, client, logged } = await start();
    const ada = await client(claimsOf('ada'));
    await shown(server.query, ['ada']);
    await killListener(server.query);
    await logged('listener_restored', PATIENCE_MS);
    const bob = await client(claimsOf('bob'));
    await shown(server.query, ['ada', 'bob']);
    assert.equal((await server.query('SELECT FROM postern.gateway')).length, 1);
    await Promise.all([ada.close(), bob.close()]);
  });
});
