/**
 * Handshakes by chance. `POSTERN_FUZZ_RUNS` says how many of each kind (2,000 by default); a failure
 * names the seed, and the path to it, with which fast-check repeats it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { edit, edited, FUZZ_RUNS } from '../support/fuzz-bytes.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { inTime } from '../support/wait.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel } = await freshDatabase({ after });

const claims = { mode: 'r', channels: ['chat'], exp: inSeconds(3_600) };
const TOKEN = await signToken(claims);
const FORGED = await signToken(claims, { key: 'another-secret-of-thirty-two-bytes' });

/** Sends bytes and returns the first line of the answer; empty when there is none. */
async function answerTo(
  port: number,
  bytes: string,
  isAll: 'and closes' | 'and waits',
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const received: Buffer[] = [];
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      received.push(data);
      if (data.includes('\n')) resolve();
    });
    for (const end of ['end', 'error', 'close']) socket.on(end, () => resolve());
  });
  socket.write(bytes, 'latin1');
  if (isAll === 'and closes') socket.end();
  try {
    await inTime('the answer to a handshake', answered, 15_000);
  } finally {
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
  }
  return Buffer.concat(received).toString('latin1').split('\r\n', 1)[0] ?? '';
}

async function start(): Promise<TestGateway> {
  const environment = { POSTERN_DATABASE_CHANNEL: channel };
  return await startGateway(scope, { databaseUrl, environment });
}

/** Nothing went wrong that the gateway itself would call a bug, and the next honest client enters. */
async function assertUnharmed(gateway: TestGateway): Promise<void> {
  const bugs = gateway.events.filter(({ event }) => event.endsWith('_failed'));
  assert.deepEqual(bugs, []);
  const witness = await gateway.client(claims);
  await witness.close();
}

/** Lines that may stand in a handshake, and lines that must not. */
interface Lines {
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

const GOOD_PATHS = [`/chat/${TOKEN}`, `/chat/${TOKEN}/x/`, `/${TOKEN}?a=b`];
const BAD_PATHS = [`/chat/${FORGED}`, `/other/${TOKEN}`, `//${TOKEN}`, `http://a/${TOKEN}`, '/ws'];

const firstLine: Lines = {
  good: GOOD_PATHS.map((path) => `GET ${path} HTTP/1.1`),
  bad: [
    ...BAD_PATHS.map((path) => `GET ${path} HTTP/1.1`),
    ...['POST', 'OPTIONS', 'HEAD'].map((method) => `${method} /chat/${TOKEN} HTTP/1.1`),
    ...['', 'HTTP/1.0', 'HTTP/2.0'].map((version) => `GET /chat/${TOKEN} ${version}`),
  ],
};

/** In any order. */
const headers: readonly Lines[] = [
  { good: ['Host: localhost', 'hOST:localhost:1'], bad: ['X-Host: a', 'Host: a\r\nHost: a'] },
  {
    good: ['Upgrade: websocket', 'UPGRADE:WebSocket'],
    bad: ['X: y', 'Upgrade: h2c', 'Upgrade: websocket, h2c', 'Upgrade: websocket\r\nUpgrade: h2c'],
  },
  {
    good: ['Connection: Upgrade', 'connection: a, UPGRADE', 'Connection: a\r\nConnection: upgrade'],
    bad: ['X: y', 'Connection: close', 'Connection: upgraded'],
  },
  {
    good: [
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-key:AAAAAAAAAAAAAAAAAAAAAA== ',
    ],
    bad: ['X: y', 'Sec-WebSocket-Key: short', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, x'],
  },
  {
    good: ['Sec-WebSocket-Version: 13'],
    bad: [
      'X: y',
      ...['8', '13, 8', '013', ''].map((version) => `Sec-WebSocket-Version: ${version}`),
    ],
  },
  {
    good: ['X: y', 'Origin: https://a.test', 'Sec-WebSocket-Protocol: a, b', 'Content-Length: 0'],
    bad: [
      'Content-Length: 1',
      'Transfer-Encoding: chunked',
      'Origin: a\r\nOrigin: a',
      'X : y',
      ' y',
    ],
  },
];

/** One of the lines, and whether it may stand there: nine times in ten it may. */
function lineOf({ good, bad }: Lines) {
  const right = fc.constantFrom(...good).map((line) => ({ line, isGood: true }));
  const wrong = fc.constantFrom(...bad).map((line) => ({ line, isGood: false }));
  return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
}

const handshake = fc
  .tuple(...headers.map(lineOf))
  .chain((lines) => fc.shuffledSubarray(lines, { minLength: lines.length }))
  .chain((lines) => lineOf(firstLine).map((first) => [first, ...lines]));

describe('Handshakes by chance', () => {
  it('let nobody in who has no valid token, however they are damaged', async () => {
    const gateway = await start();
    const original = [
      `GET /chat/${FORGED} HTTP/1.1`,
      ...headers.map(({ good }) => good[0]),
      '\r\n',
    ].join('\r\n');
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 5 }), async (edits) => {
        const answer = await answerTo(gateway.port, edited(original, edits), 'and closes');
        assert.match(answer, /^(HTTP\/1\.1 [24]\d\d .*)?$/);
      }),
      { numRuns: FUZZ_RUNS },
    );
    await assertUnharmed(gateway);
  });

  it('let in who does all of it right, and nobody else', async () => {
    const gateway = await start();
    await fc.assert(
      fc.asyncProperty(handshake, async (parts) => {
        const bytes = [...parts.map(({ line }) => line), '\r\n'].join('\r\n');
        const answer = await answerTo(gateway.port, bytes, 'and waits');
        const isGood = parts.every((part) => part.isGood);
        assert.match(answer, isGood ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 4\d\d /);
      }),
      { numRuns: FUZZ_RUNS },
    );
    await assertUnharmed(gateway);
  });
});
