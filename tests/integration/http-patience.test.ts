import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { request } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { until } from '../support/wait.ts';

/** Within these a client must have sent its request; the server looks once a second. */
const SLOW_MS = 10_000;
const LOOK_MS = 2_000;

/** Thirty seconds without progress, which Node counts anew when the last write is only half taken. */
const STALLED_MS = 60_000;

failOnLeaksTogether();

/** In the table of TCP sockets: the gateway's ends of connections that stand. */
const STANDS = '01';

async function openConnections(port: number): Promise<readonly string[]> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/self/net/tcp', 'latin1')).split('\n');
  return lines.filter((line) => {
    const [, address = '', , state] = line.trim().split(/ +/);
    return address.endsWith(local) && state === STANDS;
  });
}

describe('A client that lets the gateway wait', { concurrency: true }, () => {
  it('for its answer to be read, is cut off within a minute, and one that was let in is not', async (t) => {
    const scope = ownScope(t);
    const folder = await mkdtemp(join(tmpdir(), 'postern-static-'));
    scope.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'long.txt'), 'x'.repeat(20_000_000));
    const environment = { POSTERN_STATIC_ROOT: folder };
    const { port, client } = await startGateway(scope, { environment });
    const witness = await client({ mode: 'r', channel: 'chat', exp: 2e9 });

    const upgrade = 'Connection: Upgrade\r\nUpgrade: h2c\r\n';
    await Promise.all(
      ['', upgrade].map(async (lines) => {
        const socket = await RawSocket.connect(port);
        scope.after(() => Promise.resolve(socket.destroy()));
        socket.write(`GET /long.txt HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`);
        await socket.responseHead();
        socket.pause();
      }),
    );
    assert.equal((await openConnections(port)).length, 3);
    await until(
      'the end of both',
      async () => (await openConnections(port)).length === 1,
      STALLED_MS + LOOK_MS,
    );
    await witness.ping();
  });

  it('for its request, is cut off after ten seconds, and others are served meanwhile', async (t) => {
    const scope = ownScope(t);
    const { port } = await startGateway(scope);
    const openings = [
      '',
      'GET',
      'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n',
    ];
    const slow = await Promise.all(openings.map(() => RawSocket.connect(port)));
    scope.after(() => Promise.resolve(slow.forEach((socket) => socket.destroy())));
    slow.forEach((socket, index) => socket.write(openings[index] ?? ''));

    assert.equal((await request(port, { target: '/healthz' })).status, 200);
    const ends = slow.map((socket) => socket.ended(SLOW_MS + LOOK_MS));
    await Promise.all(ends);
  });
});
