import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HttpServer, PUBLIC_PORT } from '#gateway/http/server.js';

/** A server that answers everything alike. */
function createServer(port: number): HttpServer {
  return new HttpServer({
    host: '127.0.0.1',
    port,
    onRequest: (_request, response) => void response.end(),
    onUpgrade: (_request, stream) => void stream.destroy(),
    log: () => {},
    names: PUBLIC_PORT,
  });
}

describe('HttpServer', () => {
  it('listens until it is stopped', async () => {
    const server = createServer(0);
    await server.start();
    assert.notEqual(server.address, undefined);
    await server.stop();
    assert.equal(server.address, undefined);
  });

  it('leaves no port open when it is stopped while it starts', async () => {
    const server = createServer(0);
    const started = server.start();
    await server.stop();
    await started;
    const { address } = server;
    // Whatever was left open would keep this process from ending.
    await server.stop();
    assert.equal(address, undefined);
  });

  it('stops after a start that failed, and says so to the starter only', async () => {
    const first = createServer(0);
    await first.start();
    const second = createServer(first.address?.port ?? 0);
    const started = assert.rejects(second.start(), { code: 'POSTERN_LISTEN_ADDRESS' });
    await second.stop();
    await started;
    await first.stop();
  });

  it('is harmless to stop when it was never started', async () => {
    await createServer(0).stop();
  });
});
