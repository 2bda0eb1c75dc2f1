import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import type { OwnServer } from '../support/own-server.ts';
import { FRAME, PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { embedTickets, enter, knock, said, tickets, told } from '../support/way-in.ts';
import type { Tickets, WsHandshake } from '../support/way-in.ts';

const scope = failOnLeaks();
const PATIENCE_MS = 20_000;
const REPLAYED = '401 Ticket replayed: csrf_replayed';

const ofPage = ({ cookie, token: csrf }: Tickets): WsHandshake => ({ cookie, csrf });
const ofFrame = ({ token: embed }: Tickets): WsHandshake => ({ embed, origin: FRAME });

/** A gateway at which tickets count once, on a server of its own, and what pages hold there. */
async function setUp() {
  // Else a crash would take the migration along.
  const server = await ownServer(scope, { settings: { synchronous_commit: 'on' } });
  const gateway = await startGateway(scope, {
    databaseUrl: server.url,
    environment: {
      ...PREAUTH_ENVIRONMENT,
      POSTERN_DATABASE_CHANNEL: server.channel,
      POSTERN_SINGLE_USE: 'true',
    },
  });
  const { port } = gateway;
  const answerTo = async (handshake: WsHandshake): Promise<string> =>
    told(await knock(port, handshake));
  // Those of the second in which the store was made count as used.
  const spent = await until('a store that takes tickets', async () => {
    const held = ofPage(await tickets(port));
    return (await answerTo(held)) === '101' && held;
  });
  const spentEmbed = ofFrame(await embedTickets(port));
  assert.equal(await answerTo(spentEmbed), '101');
  return {
    server,
    gateway,
    answerTo,
    spent,
    spentEmbed,
    unused: ofPage(await tickets(port)),
    unusedEmbed: ofFrame(await embedTickets(port)),
    open: await enter(port, await tickets(port)),
  };
}

/** Waits until the gateway hears PostgreSQL again. */
const restored = ({ logged }: TestGateway) => logged('listener_restored', PATIENCE_MS);

/** What somebody does to PostgreSQL, until the gateway has lost it. */
type Injure = (server: OwnServer, gateway: TestGateway) => Promise<unknown>;

const killAndStart: Injure = async (server, { logged }) => {
  await server.kill9();
  await logged('listener_lost', PATIENCE_MS);
  await server.start();
};

const killBackend: Injure = async (server, { logged }) => {
  process.kill(await server.listenBackendPid(server.channel), 'SIGKILL');
  await logged('listener_lost', PATIENCE_MS);
};

async function assertComesBack(injure: Injure): Promise<void> {
  const { server, gateway, answerTo, open, ...old } = await setUp();
  await injure(server, gateway);
  await restored(gateway);

  // The first that is asked about finds the store empty: all that was issued until then is void.
  assert.match(await answerTo(old.spent), /^(401 Ticket replayed|503 )/);
  const { validFrom } = await gateway.logged('replay_store_emptied', PATIENCE_MS);
  for (const held of [old.spent, old.unused, old.spentEmbed, old.unusedEmbed])
    assert.equal(await answerTo(held), REPLAYED);

  await until('the new epoch', () => inSeconds(0) >= Number(validFrom), PATIENCE_MS);
  const back = await enter(gateway.port, await tickets(gateway.port));
  assert.equal((await said(back))['type'], 'welcome');
  assert.equal(await answerTo(ofFrame(await embedTickets(gateway.port))), '101');
  assert.equal(await answerTo(old.spent), REPLAYED);

  // Whoever was in has noticed nothing.
  await open.ping();
  await Promise.all([open.close(), back.close()]);
}

describe('A page with tickets that count once, when PostgreSQL', () => {
  it('is killed and started again, finds its old ones refused and comes back by one preauthentication', () =>
    assertComesBack(killAndStart));

  it('loses a backend to kill -9, finds its old ones refused and comes back by one preauthentication', () =>
    assertComesBack(killBackend));

  it('is away, is kept out, and when it was restarted in order the same ticket still counts, once', async () => {
    const { server, gateway, answerTo, open, ...old } = await setUp();
    await server.stop();
    await gateway.logged('listener_lost', PATIENCE_MS);
    assert.equal(await answerTo(old.unused), '503 Backend unavailable');

    await server.start();
    await restored(gateway);
    assert.equal(await answerTo(old.spent), REPLAYED);
    assert.equal(await answerTo(old.spentEmbed), REPLAYED);
    assert.equal(await answerTo(old.unused), '101');
    assert.equal(await answerTo(old.unused), REPLAYED);
    await open.close();
  });
});
