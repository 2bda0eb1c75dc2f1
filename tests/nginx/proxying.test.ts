import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { handshake } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startNginx } from '../support/nginx.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

const newPath = async (claims: object = {}): Promise<string> =>
  `/${await signToken({ mode: 'rw', channel: 'chat', exp: inSeconds(60), ...claims })}`;

/** A gateway, and nginx before it. */
async function start(changes = {}) {
  const gateway = await startGateway(scope, { environment: { POSTERN_POOL_SIZE: '1' } });
  return { gateway, nginx: await startNginx(scope, gateway.port, changes) };
}

async function connect(url: string, ca?: string): Promise<WsClient> {
  const client = await WsClient.connect(url, ca === undefined ? {} : { ca });
  scope.after(() => Promise.resolve(client.terminate()));
  return client;
}

describe('Behind the nginx of the page on operating', () => {
  it('a client speaks TLS to nginx, and its messages come back', async () => {
    const { nginx } = await start();
    const client = await connect(`wss://127.0.0.1:${nginx.tlsPort}${await newPath()}`, nginx.ca);
    client.send('hello');
    assert.equal(JSON.parse(await client.message()).payload, 'hello');
  });

  it('a handshake may say Connection: keep-alive, Upgrade, as Firefox does', async () => {
    const { nginx } = await start();
    const headers = { Connection: 'keep-alive, Upgrade' };
    const { status } = await handshake(nginx.port, { target: await newPath(), headers });
    assert.equal(status, 101);
  });

  it('plain requests share a connection, before a handshake and after a refused one', async () => {
    const { nginx } = await start();
    const socket = await RawSocket.connect(nginx.port);
    scope.after(() => Promise.resolve(socket.destroy()));
    const get = async (path: string) => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ws.example.com\r\n\r\n`);
      const { status, headers } = await socket.responseHead();
      return [status, String(await socket.bytes(Number(headers.get('content-length'))))];
    };
    assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
    assert.deepEqual(await get('/readyz'), [200, '{"database":"up","draining":false}\n']);

    const refusal = await socket.upgrade('/chat/token');
    assert.equal(refusal.status, 400);
    await socket.bytes(Number(refusal.headers.get('content-length')));
    assert.equal((await socket.upgrade(await newPath())).status, 101);
  });

  it('a token of 8 KiB is too long for nginx, which says so', async () => {
    const { nginx } = await start();
    const [shorter, longer] = [
      await newPath({ x: 'x'.repeat(5_500) }),
      await newPath({ x: 'x'.repeat(6_200) }),
    ];
    assert.equal((await handshake(nginx.port, { target: shorter })).status, 101);
    assert.equal((await handshake(nginx.port, { target: longer })).status, 414);
  });

  it('no log of nginx has a token in it', async () => {
    assert.ok(!(await logOfAll('crit')).includes('/eyJ'));
  });

  it('the error log would have one at a lower level than the page’s', async () => {
    assert.ok((await logOfAll('error')).includes('/eyJ'));
  });
});

/** What nginx logs of handshakes that it passes on, refuses itself, and finds no gateway for. */
async function logOfAll(level: string): Promise<string> {
  const { gateway, nginx } = await start({ 'crit;': `${level};` });
  const path = await newPath();
  const status = async (target: string) => (await handshake(nginx.port, { target })).status;
  assert.deepEqual(
    [await status(path), await status(`${path}x`), await status(`${path}/%zz`)],
    [101, 400, 400],
  );
  await gateway.gateway.stop();
  assert.equal(await status(path), 502);

  const log = await nginx.log();
  for (const end of [101, 400, 502])
    assert.match(log, new RegExp(`^127\\.0\\.0\\.1 .+ ${end} `, 'm'));
  return log;
}
