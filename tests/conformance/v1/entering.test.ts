import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Answer, Handshake } from '../../support/exchange.ts';
import { inSeconds, signToken } from '../../support/tokens.ts';
import { describeOnAll } from '../suites.ts';
import type { Claims, Target } from '../targets.ts';
import { startV1Targets } from './targets.ts';
import { enter, freshChannel, tokenFor, V1, V1Client, verdict } from './v1-client.ts';

const OFFERED = 'Sec-WebSocket-Protocol';
const CHAT = { channels: ['chat'] } as const;

/** Tokens that do not hold: the handshake's status and code, and the close of a first message. */
const bad: readonly (readonly [string, () => Promise<string>, number, string, number, string])[] = [
  [
    'by another key',
    () => signToken(CHAT, { key: 'x'.repeat(32) }),
    401,
    'token_invalid',
    4502,
    'Token invalid',
  ],
  ['that is none', async () => 'not-a-token', 401, 'token_invalid', 4502, 'Token invalid'],
  ['that is over', claiming({ exp: inSeconds(-600) }), 401, 'token_expired', 3001, 'JWT expired'],
  [
    'that holds later',
    claiming({ nbf: inSeconds(600) }),
    401,
    'token_not_active',
    4001,
    'JWT not active',
  ],
  ['that grants nothing', claiming({ channels: [] }), 403, 'scope_denied', 3003, 'Forbidden'],
  ['without a mode', claiming({ mode: undefined }), 403, 'scope_denied', 3003, 'Forbidden'],
];

/** Offers without the protocol, or that are no list of names. */
const malformed = [
  undefined,
  '',
  'chat',
  'POSTERN.V1',
  'postern.v2',
  'postern.v1, postern.v1',
  'postern.v1,,chat',
  'postern.v1 chat',
  'postern.v1, "chat"',
];

function claiming(claims: Claims): () => Promise<string> {
  return () => tokenFor({ ...CHAT, ...claims });
}

const knock = (target: Target, headers: Handshake['headers'], lines: readonly string[] = []) =>
  target.handshake({ target: '/ws', headers: { [OFFERED]: V1, ...headers }, lines });

/** Fails when what a client has shown stands anywhere in the answer. */
function assertSilentAbout(token: string, { headers, body }: Answer): void {
  assert.equal([...headers.values(), body].join('\n').includes(token), false);
}

const targets = await startV1Targets();

describeOnAll(targets, 'the offers of a handshake', (target) => {
  it('are answered by postern.v1 alone, which repeats no credential', async () => {
    const token = await tokenFor(CHAT);
    const names = ['chat', `postern.bearer.${token}`, V1, 'another'];
    for (const lines of [[names.join(', ')], [names.join(',')], names]) {
      const offers = lines.map((line) => `${OFFERED}: ${line}`);
      const answer = await knock(target, { [OFFERED]: undefined }, offers);
      assert.deepEqual([answer.status, answer.headers.get('sec-websocket-protocol')], [101, V1]);
      assertSilentAbout(token, answer);
    }
  });

  it('are refused where postern.v1 is not among them, or that are no list of names', async () => {
    const Authorization = `Bearer ${await tokenFor(CHAT)}`;
    for (const offers of malformed) {
      const { status } = await knock(target, { Authorization, [OFFERED]: offers });
      assert.equal(status, 400, `${OFFERED}: ${offers}`);
    }
  });

  it('hold no second credential', async () => {
    const token = await tokenFor(CHAT);
    const bearer = `postern.bearer.${token}`;
    const ambiguous = [
      { Authorization: `Bearer ${token}`, [OFFERED]: `${V1}, ${bearer}` },
      { [OFFERED]: `${V1}, ${bearer}, postern.bearer.${await tokenFor({ ...CHAT, sub: 'bo' })}` },
    ];
    for (const headers of ambiguous) {
      const answer = await knock(target, headers);
      assert.equal(answer.status, 400);
      assert.match(answer.body, /credential_ambiguous/);
      assertSilentAbout(token, answer);
    }
  });

  it('negotiate no extension, compression among them', async () => {
    const { status, headers } = await knock(target, {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    });
    assert.deepEqual([status, headers.get('sec-websocket-extensions')], [101, undefined]);
  });
});

describeOnAll(targets, 'a token in the handshake', (target) => {
  it('lets its client in by Authorization, in which the case of Bearer does not count', async (t) => {
    const token = await tokenFor(CHAT);
    for (const scheme of ['Bearer', 'bearer']) {
      const headers = { Authorization: `${scheme} ${token}` };
      const client = await V1Client.connect(t, target, { headers });
      assert.equal((await client.heard())['type'], 'welcome');
    }
  });

  it('lets its client in by an offer', async (t) => {
    const protocols = [V1, `postern.bearer.${await tokenFor(CHAT)}`];
    const client = await V1Client.connect(t, target, { protocols });
    assert.equal(client.socket.protocol, V1);
    assert.equal((await client.heard())['type'], 'welcome');
  });

  for (const [what, token, status, code] of bad) {
    it(`${what} is refused: ${status} ${code}`, async () => {
      const text = await token();
      const ways = [
        { Authorization: `Bearer ${text}` },
        { [OFFERED]: `${V1}, postern.bearer.${text}` },
      ];
      for (const headers of ways) {
        const answer = await knock(target, headers);
        assert.equal(answer.status, status, answer.body);
        assert.match(answer.body, new RegExp(`\\b${code}\\b`));
        assertSilentAbout(text, answer);
      }
    });
  }
});

describeOnAll(targets, 'the welcome', (target) => {
  it('says who the client is, what it may do, and until when', async (t) => {
    const exp = inSeconds(3_600);
    const channels = { news: 'r', log: 'w', chat: 'rw' };
    const { welcome } = await enter(t, target, { channels, mode: undefined, exp });
    assert.deepEqual([welcome['user'], welcome['channels']], ['ada', channels]);
    const [expiresAt, serverTime] = [Number(welcome['expiresAt']), Number(welcome['serverTime'])];
    assert.ok(expiresAt >= exp && expiresAt < exp + 120, `expiresAt: ${expiresAt}, exp: ${exp}`);
    assert.ok(Math.abs(serverTime - Date.now() / 1000) < 60, `serverTime: ${serverTime}`);
  });

  it('has patterns as they are granted, and the mode of the token for each of a list', async (t) => {
    const { welcome } = await enter(t, target, { channels: ['news', 'room:*'], mode: 'r' });
    assert.deepEqual(welcome['channels'], { news: 'r', 'room:*': 'r' });
  });

  it('names nobody where the token does not', async (t) => {
    const { welcome } = await enter(t, target, { ...CHAT, sub: undefined });
    assert.equal('user' in welcome, false);
  });

  it('comes once, before all else, and each session has its own name', async (t) => {
    const [one, other] = [await enter(t, target, CHAT), await enter(t, target, CHAT)];
    assert.notEqual(one.welcome['session'], other.welcome['session']);
    await one.client.ask({ type: 'ping' });
    assert.deepEqual(
      one.client.all.map(({ type }) => type),
      ['welcome', 'pong'],
    );
  });
});

describeOnAll(targets, 'a first message', (target) => {
  it('that is an auth with a good token is answered by welcome, then ok', async (t) => {
    const client = await V1Client.connect(t, target);
    assert.equal((await client.ask({ type: 'auth', token: await tokenFor(CHAT) }))['type'], 'ok');
    assert.deepEqual(
      client.all.map(({ type }) => type),
      ['welcome', 'ok'],
    );
  });

  for (const [what, token, , , code, reason] of bad) {
    it(`with a token ${what} ends the connection: ${code}`, async (t) => {
      const client = await V1Client.connect(t, target);
      client.say({ type: 'auth', token: await token() });
      assert.deepEqual(await client.closed(), { code, reason });
      assert.deepEqual(client.socket.messages, []);
    });
  }

  it('that is no auth ends the connection: 3000', async (t) => {
    const token = await tokenFor(CHAT);
    const messages = [
      '{"type":"ping","id":1}',
      `{"type":"subscribe","id":1,"channel":"${freshChannel()}"}`,
      '{"type":"auth","id":1}',
      `{"type":"auth","token":"${token}"}`,
      'hello',
      '',
      Buffer.from(`{"type":"auth","id":1,"token":"${token}"}`),
    ];
    for (const message of messages) {
      const client = await V1Client.connect(t, target);
      client.socket.send(message);
      assert.deepEqual(await client.closed(), { code: 3000, reason: 'Unauthorized' }, `${message}`);
    }
  });

  it('that is followed before its welcome has come ends the connection: 4505, unless it was quicker', async (t) => {
    const client = await V1Client.connect(t, target);
    client.say({ type: 'auth', token: await tokenFor(CHAT) });
    const ping = client.say({ type: 'ping' });
    const answer = client.reply(ping).then(verdict);
    const end = client.closed().then(({ code }) => code);
    assert.ok(['pong', 4505].includes(await Promise.any([answer, end])));
  });

  it('that does not come ends the connection after 5 seconds: 3008', async (t) => {
    const client = await V1Client.connect(t, target);
    const fromMs = performance.now();
    assert.deepEqual(await client.closed(15_000), { code: 3008, reason: 'Timeout' });
    const tookMs = performance.now() - fromMs;
    assert.ok(tookMs > 4_500 && tookMs < 10_000, `${tookMs} ms`);
  });
});
