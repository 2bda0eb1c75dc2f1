import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel } = await freshDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const TOKEN = await signToken(claims);

/** Headers that would let in whoever sends them. */
const correct: readonly string[] = [
  'Host: gate.localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

const FIRST_LINE = `GET /chat/${TOKEN} HTTP/1.1`;

/** A correct handshake with another first line, and more lines or a body behind it. */
function request(firstLine: string, lines: readonly string[] = [], body = ''): string {
  return `${[firstLine, ...correct, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** A correct handshake but for the lines of one header, which is left out when there are none. */
function changed(name: string, ...lines: readonly string[]): string {
  const others = correct.filter((line) => !line.startsWith(`${name}:`));
  return `${[FIRST_LINE, ...others, ...lines].join('\r\n')}\r\n\r\n`;
}

/** A correct handshake to another target. */
function target(text: string): string {
  return request(`GET ${text} HTTP/1.1`);
}

/** Of four bytes each, which leaves room below the limit in bytes. */
const MANY = Array.from({ length: 2_500 }, () => 'x:');

const HIDDEN = request(FIRST_LINE);
const CHUNK = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;

/** What is sent, and the status that it gets; 0 when the connection is cut without an answer. */
const cases: Readonly<Record<string, readonly [string | Buffer, number]>> = {
  POST: [request(`POST /chat/${TOKEN} HTTP/1.1`), 405],
  OPTIONS: [request(`OPTIONS /chat/${TOKEN} HTTP/1.1`), 405],
  HEAD: [request(`HEAD /chat/${TOKEN} HTTP/1.1`), 405],
  PUT: [request(`PUT /chat/${TOKEN} HTTP/1.1`), 405],
  TRACE: [request(`TRACE /chat/${TOKEN} HTTP/1.1`), 405],
  CONNECT: [request('CONNECT gate.test:443 HTTP/1.1'), 0],
  'CONNECT with a path': [request(`CONNECT /chat/${TOKEN} HTTP/1.1`), 0],
  'a method in small letters': [request(`get /chat/${TOKEN} HTTP/1.1`), 400],
  'a method of its own': [request(`GETT /chat/${TOKEN} HTTP/1.1`), 400],
  'a space before the method': [request(` ${FIRST_LINE}`), 400],
  'HTTP/1.0': [request(`GET /chat/${TOKEN} HTTP/1.0`), 400],
  'HTTP/0.9': [request(`GET /chat/${TOKEN}`), 400],
  'HTTP/2.0': [request(`GET /chat/${TOKEN} HTTP/2.0`), 400],
  'HTTP/1.2': [request(`GET /chat/${TOKEN} HTTP/1.2`), 400],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  'a TLS greeting': [Buffer.from('16030100750100007103030000', 'hex'), 400],

  'a target in absolute form': [target(`http://gate.test/chat/${TOKEN}`), 400],
  'a target in authority form': [target('gate.test:80'), 400],
  'the target *': [target('*'), 400],
  'an empty target': [target(''), 400],
  'a space in the target': [target(`/chat /${TOKEN}`), 400],
  'a tab in the target': [target(`/chat\t/${TOKEN}`), 400],
  'a NUL in the target': [target(`/chat\0/${TOKEN}`), 400],
  'a line feed in the target': [target(`/chat\n/${TOKEN}`), 400],
  'a carriage return in the target': [target(`/chat\r/${TOKEN}`), 400],
  'a backslash for a slash': [target(`\\chat\\${TOKEN}`), 400],
  'a path that begins with two slashes': [target(`//chat/${TOKEN}`), 400],
  'a path out of the root': [target(`/../chat/${TOKEN}`), 400],
  'an encoded slash': [target(`/chat%2f${TOKEN}`), 400],
  'an encoded NUL in the channel': [target(`/chat%00/${TOKEN}`), 400],
  'overlong UTF-8 in the channel': [target(`/%c0%af/${TOKEN}`), 400],
  'bytes that are not UTF-8 in the channel': [target(`/ch\xe4t/${TOKEN}`), 400],
  'half a percent-encoding': [target(`/chat%/${TOKEN}`), 400],
  'a fragment': [target(`/chat/${TOKEN}#x`), 400],
  'a token in percent-encoding': [target(`/chat/%65${TOKEN.slice(1)}`), 400],
  'a token with a byte that is not ASCII': [target(`/chat/${TOKEN}\xff`), 400],
  'a target of 20 KB': [target(`/${'x'.repeat(20_000)}/${TOKEN}`), 431],

  'no Upgrade': [changed('Upgrade'), 400],
  'an empty Upgrade': [changed('Upgrade', 'Upgrade:'), 400],
  'Upgrade: h2c': [changed('Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), 400],
  'Upgrade: websocket, h2c': [changed('Upgrade', 'Upgrade: websocket, h2c'), 400],
  'Upgrade: websocket/13': [changed('Upgrade', 'Upgrade: websocket/13'), 400],
  'Upgrade: websockets': [changed('Upgrade', 'Upgrade: websockets'), 400],
  'Upgrade with a vertical tab': [changed('Upgrade', 'Upgrade: \x0bwebsocket'), 400],
  'Upgrade with a K of another alphabet': [changed('Upgrade', 'Upgrade: websoc\u212aet'), 400],
  'two Upgrades': [request(FIRST_LINE, ['Upgrade: websocket']), 400],
  'no Connection': [changed('Connection'), 400],
  'Connection: keep-alive': [changed('Connection', 'Connection: keep-alive'), 400],
  'Connection: close': [changed('Connection', 'Connection: close'), 400],
  'Connection: notupgrade': [changed('Connection', 'Connection: notupgrade'), 400],
  'Connection: upgrade;q=1': [changed('Connection', 'Connection: upgrade;q=1'), 400],

  'no key': [changed('Sec-WebSocket-Key'), 400],
  'an empty key': [changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key:'), 400],
  'a key of 15 bytes': [
    changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA'),
    400,
  ],
  'a key of 17 bytes': [
    changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA='),
    400,
  ],
  'a key in base64url': [
    changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: __________-----------A=='),
    400,
  ],
  'a key with something behind it': [
    changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, x'),
    400,
  ],
  'two keys': [request(FIRST_LINE, ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']), 400],
  'no version': [changed('Sec-WebSocket-Version'), 426],
  'version 8': [changed('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'), 426],
  'versions 13, 8': [changed('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 13, 8'), 426],
  'version 013': [changed('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 013'), 426],
  'version 13.0': [changed('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 13.0'), 426],
  'two versions': [request(FIRST_LINE, ['Sec-WebSocket-Version: 13']), 400],
  'no Host': [changed('Host'), 400],
  'two Hosts': [request(FIRST_LINE, ['Host: gate.localhost']), 400],
  'two Origins': [request(FIRST_LINE, ['Origin: https://a.test', 'Origin: https://b.test']), 400],
  'two Authorizations': [request(FIRST_LINE, ['Authorization: a', 'Authorization: b']), 400],

  'a body': [request(FIRST_LINE, ['Content-Length: 5'], 'hello'), 400],
  'a body in chunks': [request(FIRST_LINE, ['Transfer-Encoding: chunked'], '0\r\n\r\n'), 400],
  'a body of two lengths': [request(FIRST_LINE, ['Content-Length: 0', 'Content-Length: 5']), 400],
  'a negative length': [request(FIRST_LINE, ['Content-Length: -1']), 400],
  'a length with a sign': [request(FIRST_LINE, ['Content-Length: +5'], 'hello'), 400],
  'a length in hexadecimal': [request(FIRST_LINE, ['Content-Length: 0x5'], 'hello'), 400],
  'a list of lengths': [request(FIRST_LINE, ['Content-Length: 0, 5'], 'hello'), 400],
  'length and chunks': [
    request(FIRST_LINE, ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    400,
  ],
  'an unknown transfer encoding': [request(FIRST_LINE, ['Transfer-Encoding: xchunked']), 400],
  'transfer encodings that end in identity': [
    request(FIRST_LINE, ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
    400,
  ],
  'a space before a colon': [request(FIRST_LINE, ['Transfer-Encoding : chunked']), 400],
  'a vertical tab before a transfer encoding': [
    request(FIRST_LINE, ['Transfer-Encoding: \x0bchunked']),
    400,
  ],
  'a handshake hidden in a body': [
    `POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    405,
  ],
  'a handshake hidden in a chunk': [
    `POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
    405,
  ],
  'a correct handshake behind a refused one': [`${request('GET /chat/x HTTP/1.1')}${HIDDEN}`, 400],

  'a folded header': [request(FIRST_LINE, ['X-Folded: a', ' b']), 400],
  'a folded first header': [`${FIRST_LINE}\r\n ${correct.join('\r\n')}\r\n\r\n`, 400],
  'bare line feeds': [HIDDEN.replaceAll('\r\n', '\n'), 400],
  'bare carriage returns': [HIDDEN.replaceAll('\r\n', '\r'), 400],
  'a NUL in a header': [request(FIRST_LINE, ['X-Nul: a\0b']), 400],
  'a carriage return in a header': [request(FIRST_LINE, ['X-Return: a\rb']), 400],
  'a header without a name': [request(FIRST_LINE, [': x']), 400],
  'a header without a colon': [request(FIRST_LINE, ['Nothing']), 400],
  'a name that is not ASCII': [request(FIRST_LINE, ['X-\xe9: x']), 400],
  'a header of 20 KB': [request(FIRST_LINE, [`X-Long: ${'x'.repeat(20_000)}`]), 431],
  'a second Origin behind more headers than Node counts': [
    request(FIRST_LINE, ['Origin: https://a.test', ...MANY, 'Origin: https://b.test']),
    400,
  ],
  'a body behind more headers than Node counts': [
    request(FIRST_LINE, [...MANY, 'Content-Length: 5'], 'hello'),
    400,
  ],
};

/** The statuses of all responses to these bytes. */
async function statuses(port: number, bytes: string | Buffer): Promise<readonly number[]> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  const answer = (await socket.ended()).toString('latin1');
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
}

describe('A hostile handshake', () => {
  it('opens no socket, is told so once, and harms nobody', async () => {
    const environment = { POSTERN_DATABASE_CHANNEL: channel };
    const gateway = await startGateway(scope, { databaseUrl, environment });
    const witness = await gateway.client(claims);

    assert.deepEqual(
      await statuses(gateway.port, Buffer.from(`${HIDDEN}\x88\x80xxxx`, 'latin1')),
      [101],
    );
    for (const [name, [bytes, status]] of Object.entries(cases)) {
      const expected = status === 0 ? [] : [status];
      assert.deepEqual([name, await statuses(gateway.port, bytes)], [name, expected]);
    }
    const entered = gateway.events.filter(({ event }) => event === 'session_started');
    assert.equal(entered.length, 2);
    witness.send('unharmed');
    assert.match(await witness.message(), /unharmed/);
    await witness.close();
  });

  it('behind a request that is still being answered is cut off, and not answered in its midst', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-static-'));
    scope.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'long.txt'), 'x'.repeat(5_000_000));
    const environment = { POSTERN_DATABASE_CHANNEL: channel, POSTERN_STATIC_ROOT: folder };
    const gateway = await startGateway(scope, { databaseUrl, environment });

    const ahead = 'GET /long.txt HTTP/1.1\r\nHost: localhost\r\n\r\n';
    assert.ok(!(await statuses(gateway.port, `${ahead}${HIDDEN}`)).includes(101));
    assert.equal(gateway.events.filter(({ event }) => event === 'session_started').length, 0);
  });

  it('is none that follows an answer on the same connection', async () => {
    const gateway = await startGateway(scope, {
      databaseUrl,
      environment: { POSTERN_DATABASE_CHANNEL: channel },
    });
    const socket = await RawSocket.connect(gateway.port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal((await socket.responseHead()).status, 200);
    await until('the body', () => socket.unread.toString() === 'ok\n');
    socket.write(HIDDEN);
    await until('the answer', () => socket.unread.includes('HTTP/1.1 101 '));
    socket.destroy();
  });
});
