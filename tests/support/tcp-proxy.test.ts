import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';

import { failOnLeaks } from './leaks.ts';
import { tcpProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';
import { event, inTime, until } from './wait.ts';

const scope = failOnLeaks();

/** One end of a connection, and what has come there. */
class End {
  text = '';
  /** How it was told of the end: nothing, FIN, or RST. */
  told: 'nothing' | 'end' | 'ECONNRESET' = 'nothing';
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => (this.text += data.toString()));
    socket.on('end', () => (this.told = 'end'));
    socket.on('error', () => (this.told = 'ECONNRESET'));
    scope.after(() => Promise.resolve(void socket.destroy()));
  }

  async hears(text: string): Promise<void> {
    await until(text, () => this.text === text);
  }
}

interface Cable {
  readonly proxy: TcpProxy;
  readonly client: End;
  readonly server: End;
}

async function cable(): Promise<Cable> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('connection', (socket) =>
    socket.on('error', () => {
      // Only the first has a part to play here.
    }),
  );
  scope.after(async () => {
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  const proxy = await tcpProxy(scope, { port: address.port });
  const accepted = inTime('a connection', once(server, 'connection'));
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  const client = new End(socket);
  await event(socket, 'connect');
  const [other] = await accepted;
  return { proxy, client, server: new End(other) };
}

describe('A proxy', () => {
  it('passes everything on, its end too', async () => {
    const { client, server } = await cable();
    client.socket.write('up');
    await server.hears('up');
    server.socket.write('down');
    await client.hears('down');
    client.socket.end();
    await until('the end', () => server.told === 'end');
    server.socket.write(', still');
    await client.hears('down, still');
  });

  it('stalls one direction and later passes on what was held up', async () => {
    const { proxy, client, server } = await cable();
    proxy.set({ up: 'stall' });
    client.socket.write('held');
    server.socket.write('down');
    await client.hears('down');
    assert.equal(server.text, '');
    proxy.set({ up: 'pass' });
    await server.hears('held');
  });

  it('swallows what comes, and tells nobody of an end', async () => {
    const { proxy, client, server } = await cable();
    proxy.set({ up: 'swallow' });
    client.socket.write('lost');
    server.socket.write('down');
    await client.hears('down');
    client.socket.destroy();
    server.socket.write(', and more');
    await until('an answer that nobody wants', () => server.socket.bytesWritten > 4);
    assert.deepEqual([server.text, server.told], ['', 'nothing']);
    proxy.set({ up: 'pass' });
    await until('the news', () => server.told !== 'nothing');
    assert.equal(server.text, '');
  });

  it('is as slow as it is told to be, and loses nothing when it is fast again', async () => {
    const { proxy, client, server } = await cable();
    proxy.set({ up: 1_000 });
    const startMs = performance.now();
    client.socket.write('x'.repeat(500));
    await server.hears('x'.repeat(500));
    assert.ok(performance.now() - startMs >= 390);

    client.socket.write('y'.repeat(100_000));
    await until('a few', () => server.text.includes('y'));
    proxy.set({ up: 'pass' });
    await server.hears('x'.repeat(500) + 'y'.repeat(100_000));
  });

  it('resets both ends, at once or in the middle of something', async () => {
    const first = await cable();
    first.proxy.cut();
    await until('two resets', () =>
      [first.client, first.server].every(({ told }) => told === 'ECONNRESET'),
    );

    const second = await cable();
    second.proxy.cutAfter('up', 3);
    second.client.socket.write('123456');
    await until('the reset', () => second.client.told === 'ECONNRESET');
    assert.equal(second.server.text, '123');
  });

  it('ends one direction only', async () => {
    const { proxy, client, server } = await cable();
    proxy.halfClose('server');
    await until('the end', () => server.told === 'end');
    server.socket.write('heard all the same');
    await client.hears('heard all the same');
    assert.equal(client.told, 'nothing');
  });

  it('changes what is opened from now on, and leaves the rest as it is', async () => {
    const { proxy, client, server } = await cable();
    proxy.set({ up: 'swallow', down: 'swallow' });
    proxy.setNew({ up: 'pass', down: 'pass' });
    client.socket.write('lost');
    const next = connect({ port: proxy.port, host: '127.0.0.1' });
    const late = new End(next);
    await event(next, 'connect');
    await until('both', () => proxy.connections === 2);
    late.socket.resetAndDestroy();
    await until('the end of the new one', () => proxy.connections === 1);
    assert.equal(server.text, '');
  });
});
