import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { HEARTBEAT_SECONDS } from '#gateway/session/heartbeat.js';

import { handshake } from '../support/exchange.ts';
import { opcodes } from '../support/frames.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startNginx } from '../support/nginx.ts';
import type { Changes, Nginx } from '../support/nginx.ts';
import { page } from '../support/pages.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

/** In place of the page's 90 s. */
const PATIENCE_MS = 1_000;
const IMPATIENT = {
  'proxy_read_timeout 90s;': `proxy_read_timeout ${PATIENCE_MS}ms;`,
} as const;
const BROKEN = { code: 1006, reason: '' } as const;

const scope = failOnLeaks();

const newPath = async (): Promise<string> =>
  `/${await signToken({ mode: 'rw', channel: 'chat', exp: inSeconds(120) })}`;

async function start(changes?: Changes): Promise<{ gateway: TestGateway; nginx: Nginx }> {
  const gateway = await startGateway(scope, { environment: { POSTERN_POOL_SIZE: '1' } });
  return { gateway, nginx: await startNginx(scope, gateway.port, changes) };
}

async function connect({ port }: { readonly port: number }): Promise<WsClient> {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}${await newPath()}`);
  scope.after(() => Promise.resolve(client.terminate()));
  return client;
}

async function assertAlive(client: WsClient, text: string): Promise<void> {
  client.send(text);
  assert.equal(JSON.parse(await client.message()).payload, text);
}

describe('A connection through nginx', () => {
  it('is cut off when nothing comes for as long as proxy_read_timeout says', async () => {
    const { gateway, nginx } = await start(IMPATIENT);
    const client = await connect(nginx);
    assert.deepEqual(await client.closed(15_000), BROKEN);
    assert.equal((await gateway.logged('session_ended', 15_000))['code'], 1006);
  });

  it('is kept by nothing but the gateway’s pings', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { nginx } = await start(IMPATIENT);
    const socket = await RawSocket.connect(nginx.port);
    scope.after(() => Promise.resolve(socket.destroy()));
    assert.equal((await socket.upgrade(await newPath())).status, 101);

    const endMs = performance.now() + 3 * PATIENCE_MS;
    while (performance.now() < endMs) {
      t.mock.timers.tick(HEARTBEAT_SECONDS * 1000);
      const { opcode, payload } = await socket.frame();
      assert.equal(opcode, opcodes.ping);
      socket.sendFrame({ opcode: opcodes.pong, payload });
    }
  });

  it('has three pings in the time that the page gives it', () => {
    const [, seconds] = /proxy_read_timeout (\d+)s;/.exec(page('docs/operating.md').text) ?? [];
    assert.equal(Number(seconds), 3 * HEARTBEAT_SECONDS);
  });

  it('survives a reload; the next ones go by the new configuration', async () => {
    const { nginx } = await start();
    const client = await connect(nginx);
    await nginx.reload(IMPATIENT);
    const next = await connect(nginx);
    assert.deepEqual(await next.closed(15_000), BROKEN);
    await assertAlive(client, 'still here');
  });

  it('ends with 1006 when nginx is stopped, and the gateway takes note', async () => {
    const { gateway, nginx } = await start();
    const client = await connect(nginx);
    nginx.child.signal('SIGTERM');
    assert.deepEqual(await client.closed(15_000), BROKEN);
    const { code, by } = await gateway.logged('session_ended', 15_000);
    assert.deepEqual([code, by], [1006, 'client']);
  });

  it('may stay until it ends when nginx is stopped in good order', async () => {
    const { nginx } = await start();
    const client = await connect(nginx);
    nginx.child.signal('SIGQUIT');
    await until('a closed port', () => isClosed(nginx.port), 15_000);
    await assertAlive(client, 'still here');
    await client.close();
    assert.deepEqual(await nginx.child.exited(), { code: 0, signal: undefined });
  });

  it('ends with the close frame of a gateway that stops; then nginx answers 502', async () => {
    const { gateway, nginx } = await start();
    const client = await connect(nginx);
    await gateway.gateway.stop();
    assert.deepEqual(await client.closed(), { code: 1001, reason: 'Going away' });
    assert.equal((await handshake(nginx.port, { target: await newPath() })).status, 502);
  });
});

function isClosed(port: number): Promise<boolean> {
  return RawSocket.connect(port).then(
    (socket) => {
      socket.destroy();
      return false;
    },
    () => true,
  );
}
