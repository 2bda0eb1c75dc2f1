import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';

import { startPostern } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { handshake } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { NamedPipe } from '../support/named-pipe.ts';
import { namedPipe } from '../support/named-pipe.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe } from '../support/process-probe.ts';
import { environmentFor } from '../support/served.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const START_MS = 60_000;

/** Who is refused for want of a mode is named in the log, by no more than 128 characters: of four bytes each here. */
const NAMED = await signToken({ ...claims, mode: undefined, sub: '😀'.repeat(128) });
/** Each logs more than 512 bytes: a pipe of 64 KiB and the gateway's 1 MiB are full by then. */
const REFUSALS = 2_500;
const AT_A_TIME = 20;

interface Silent {
  readonly child: Child;
  readonly port: number;
}

/** Starts a gateway whose log goes to the descriptor, and waits until it lets clients in. */
async function serveInto(stdout: number, handedOver: () => void): Promise<Silent> {
  const port = await freePort();
  // Whoever looks whether it is a terminal makes Node open standard output: that is not to be our luck.
  const environment = { POSTERN_PORT: String(port), POSTERN_LOG_FORMAT: 'json' };
  const env = environmentFor({ ...database, environment });
  const child = startPostern(scope, ['serve'], { env, stdout });
  handedOver();
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
      headers: { connection: 'close' },
    }).catch(() => undefined);
    return answer?.status === 200;
  };
  await until('a ready gateway', isReady, START_MS);
  return { child, port };
}

/** The log, which nobody reads, cannot say which port was free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert(typeof address === 'object' && address !== null);
  return address.port;
}

async function servePipe(): Promise<Silent & { readonly pipe: NamedPipe }> {
  const pipe = await namedPipe(scope);
  return { pipe, ...(await serveInto(pipe.writeEnd, pipe.handedOver)) };
}

async function assertServes({ port }: Silent): Promise<void> {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}/${await signToken(claims)}`);
  client.send('hello');
  assert.match(await client.message(), /"payload":"hello"/);
  await client.close();
}

/** Each of them is a line of the log. */
async function refuseMany({ port }: Silent, count: number): Promise<void> {
  let left = count;
  const visit = async (): Promise<void> => {
    while (left-- > 0) {
      const { status } = await handshake(port, { target: `/${NAMED}` });
      assert.equal(status, 400);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, visit));
}

async function stop({ child }: Silent): Promise<void> {
  child.signal('SIGTERM');
  assert.deepEqual(await child.exited(), { code: 0, signal: undefined });
  assert.equal(child.stderr, '');
}

describe('A gateway whose log', { skip: noProbe }, () => {
  it('goes to a full disk serves, and stops in good order', async () => {
    const full = openSync('/dev/full', 'w');
    const gateway = await serveInto(full, () => closeSync(full));
    await assertServes(gateway);
    await refuseMany(gateway, 100);
    await assertServes(gateway);
    await stop(gateway);
  });

  it('goes to somebody who is gone serves, and stops in good order', async () => {
    const gateway = await servePipe();
    assert.match(gateway.pipe.read(), /"event":"listening"/);
    gateway.pipe.closeReader();
    await assertServes(gateway);
    await refuseMany(gateway, 100);
    await assertServes(gateway);
    await stop(gateway);
  });

  it('is not read serves, keeps a part of it, and says how many lines are missing', async () => {
    const gateway = await servePipe();
    await refuseMany(gateway, REFUSALS);
    await assertServes(gateway);

    let text = '';
    await until(
      'the note',
      () => (text += gateway.pipe.read()).includes('"log_dropped"'),
      START_MS,
    );
    await stop(gateway);
    text += gateway.pipe.read();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const count = (name: string): number => lines.filter(({ event }) => event === name).length;
    const [{ lines: dropped } = { lines: 0 }] = lines.filter(
      ({ event }) => event === 'log_dropped',
    );
    assert.ok(dropped > 0);
    // Among what is missing is what the session said that came while there was no room.
    assert.equal(count('handshake_refused') + dropped, REFUSALS + 2);
    assert.equal(count('session_started'), 0);
    assert.equal(lines.at(-1)?.event, 'stopped');
  });

  it('is not read ends in good time all the same', async () => {
    const gateway = await servePipe();
    await refuseMany(gateway, 1_000);
    const startMs = performance.now();
    await stop(gateway);
    assert.ok(performance.now() - startMs < 10_000);
    assert.doesNotMatch(gateway.pipe.read(), /"stopped"/);
  });

  it('is read late loses none of its last lines', async () => {
    const gateway = await servePipe();
    await refuseMany(gateway, 1_000);
    let text = gateway.pipe.read();
    gateway.child.signal('SIGTERM');
    await until('the last line', () => (text += gateway.pipe.read()).includes('"stopped"'));
    assert.equal((await gateway.child.exited()).code, 0);
    assert.equal(text.match(/"handshake_refused"/g)?.length, 1_000);
  });
});
