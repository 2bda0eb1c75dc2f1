import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { describe, it } from 'node:test';

import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

import { closePayload, opcodes } from './frames.ts';
import { failOnLeaks } from './leaks.ts';
import { parseHead, RawSocket } from './raw-socket.ts';
import { inTime, until } from './wait.ts';
import { WsClient } from './ws-client.ts';

const scope = failOnLeaks();

describe('The two test clients', () => {
  it('exchange messages and end with a code and a reason', async () => {
    const { port } = await startServer((socket) => {
      socket.send('first');
      socket.on('message', (data) => {
        socket.send(data.toString().toUpperCase());
        socket.close(3001, 'JWT expired');
      });
    });

    const client = await WsClient.connect(`ws://127.0.0.1:${port}/`);
    client.send('second');
    assert.equal(await client.message(), 'first');
    assert.equal(await client.message(), 'SECOND');
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    await assert.rejects(client.message(), /ended with 3001 JWT expired/);
  });

  it('report a refused handshake with its status and body', async () => {
    const { port, server } = await startServer();
    server.removeAllListeners('upgrade').on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 13\r\nX-A: b\r\n\r\nToken expired');
    });

    const refusal = await WsClient.refusal(`ws://127.0.0.1:${port}/`);
    assert.deepEqual([refusal.status, refusal.body], [400, 'Token expired']);
    await assert.rejects(WsClient.connect(`ws://127.0.0.1:${port}/`), /refused: 400 Token expired/);
  });

  it('say what did not come, and how long they waited', async () => {
    const { port } = await startServer();
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/`);
    await assert.rejects(client.message(30), /^Error: Waited 30 ms in vain for message 1$/);
    await client.close();
  });

  it('by hand: shake hands, break the rules, and stay when told to go', async () => {
    let errors = 0;
    const { port } = await startServer((socket) => {
      socket.on('message', () => socket.close(1008));
      socket.on('error', () => errors++);
    });

    const client = await RawSocket.connect(port);
    assert.equal((await client.upgrade('/chat?x=1')).status, 101);
    client.sendFrame({ opcode: opcodes.text, payload: 'hello' });
    const close = await client.frame();
    assert.deepEqual([close.opcode, close.payload], [opcodes.close, closePayload(1008)]);

    client.sendFrame({ opcode: opcodes.text, payload: 'unmasked', masked: false });
    await until('the complaint of the server', () => errors === 1);
    client.destroy();
  });

  it('by hand: change and leave out headers', async () => {
    const { port, server } = await startServer();
    const request = once(server, 'upgrade');
    const client = await RawSocket.connect(port);
    const changes = { 'Sec-WebSocket-Key': undefined, 'X-Own': 'y' };
    assert.equal((await client.upgrade('/', changes)).status, 400);
    assert.match((await client.ended()).toString(), /Sec-WebSocket-Key/);
    const [{ headers }] = await inTime('the request', request);
    assert.equal(headers['x-own'], 'y');
    client.destroy();
  });

  it('parse the head of a response', () => {
    const head = parseHead('HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nA:b:c');
    assert.equal(head.status, 426);
    assert.deepEqual(
      [...head.headers],
      [
        ['sec-websocket-version', '13'],
        ['a', 'b:c'],
      ],
    );
  });
});

async function startServer(
  connected: (socket: WebSocket) => void = () => {},
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer();
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', connected);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    for (const socket of webSockets.clients) socket.terminate();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  return { port: address.port, server };
}
