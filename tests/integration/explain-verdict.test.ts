import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { parseToken } from '#gateway/auth/token.js';
import { loadConfig } from '#gateway/config/load.js';
import { explainToken } from '#gateway/cli/explain-token.js';
import { narrate } from '#gateway/cli/token/narrate.js';
import { claimRulesFor, keyRingFor, keysFor, verifierFor } from '#gateway/verification.js';

import { startGateway } from '../support/gateway.ts';
import { forgeToken, inSeconds, keyPair, SECRET, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

const rules = {
  POSTERN_JWT_AUDIENCE: 'app,api',
  POSTERN_JWT_ISSUER: 'https://login.test',
  POSTERN_REQUIRE_CLAIMS: 'sub',
};
const gateway = await startGateway({ after }, { environment: rules });
const { options } = loadConfig({
  environment: { POSTERN_JWT_SECRET: SECRET, POSTERN_URL_TOKENS: 'true', ...rules },
});

const exp = inSeconds(900);
const good = { mode: 'rw', channels: ['chat', 'news'], sub: 'ada', aud: 'app', exp } as const;
const sound = { ...good, iss: 'https://login.test' };

/** Claims with something changed; `undefined` leaves one out. */
const changes: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { exp: undefined },
  { exp: inSeconds(-1) },
  { exp: inSeconds(-900) },
  { exp: 'soon' },
  { exp: exp * 1000 },
  { exp: null },
  { exp: exp + 0.5 },
  { nbf: inSeconds(-9) },
  { nbf: inSeconds(900) },
  { nbf: true },
  { nbf: inSeconds(2) },
  { iat: inSeconds(-9) },
  { iat: inSeconds(900) },
  { iat: [] },
  { iss: undefined },
  { iss: 'https://evil.test' },
  { iss: ['https://login.test'] },
  { aud: undefined },
  { aud: 'other' },
  { aud: ['other', 'api'] },
  { aud: [] },
  { aud: [1] },
  { aud: 1 },
  { sub: undefined },
  { sub: '' },
  { sub: null },
  { sub: 0 },
  { mode: undefined },
  { mode: 'r' },
  { mode: 'w' },
  { mode: 'x' },
  { mode: 'RW' },
  { mode: ['r'] },
  { channels: undefined },
  { channels: [] },
  { channels: ['other'] },
  { channels: 'chat' },
  { channels: undefined, channel: 'chat' },
  { channels: undefined, channel: '' },
  { channels: undefined, channel: 1 },
  { channels: ['news'], channel: 'chat' },
  { channels: ['*'] },
  { channels: ['ch*'] },
  { channels: { chat: 'r', news: 'w' } },
  { channels: { chat: 'r' }, mode: undefined },
  { channels: { chat: 'x' }, mode: undefined },
  { channels: ['{sub}'], sub: 'chat' },
];

const pair = keyPair('ES256');
const whole = await signToken(sound);
const [header = '', payload = '', signature = ''] = whole.split('.');

const tokens: readonly (string | Promise<string>)[] = [
  ...changes.map((change) => signToken({ ...sound, ...change })),
  'x',
  'a.b.c',
  `${header}.${payload}`,
  `${header}.${payload}.`,
  `${header}.${payload}.AAAA`,
  `${header}.${payload}.${signature}=`,
  `${header}.${payload}.${signature}.x`,
  signToken(sound, { alg: 'HS512' }),
  signToken(sound, { header: { kid: 'whatever' } }),
  signToken(sound, { header: { typ: 'at+jwt' } }),
  signToken(sound, { key: pair.privateKey, alg: 'ES256' }),
  signToken(sound, { key: 'another secret, and just as long as it must be' }),
  forgeToken({ header: { alg: 'none' }, payload: sound }),
  forgeToken({ header: { alg: 'HS256', crit: ['x'], x: 1 }, payload: sound }),
  forgeToken({ header: { alg: 'HS256', kid: 1 }, payload: sound }),
  forgeToken({ header: '[]', payload: sound }),
  forgeToken({ payload: '"text"' }),
  forgeToken({ payload: JSON.stringify(sound).replace(`${exp}`, '1e400') }),
];

/** What a handshake is answered: 101, or the body of the refusal. */
async function answered(token: string, channel: string | undefined): Promise<string> {
  const path = channel === undefined ? token : `${channel}/${token}`;
  const url = `${gateway.wsUrl}/${path}`;
  try {
    const client = await WsClient.connect(url);
    await client.close();
    return '101';
  } catch {
    return (await WsClient.refusal(url)).body;
  }
}

async function explained(token: string, channel: string | undefined) {
  const gate = {
    ...options,
    verify: verifierFor(
      options,
      keyRingFor(options, () => {}),
    ),
  };
  const nowSeconds = Date.now() / 1000;
  const { verdict } = await explainToken(gate, { token, channel, nowSeconds });
  const parsed = parseToken(token);
  const keys = keysFor(options);
  const more = { keys, rules: claimRulesFor(options), channel, nowSeconds };
  const steps = narrate(verdict, 'token' in parsed ? { token: parsed.token, ...more } : undefined);
  return { verdict, outcomes: steps.map(({ outcome }) => outcome) };
}

describe('The verdict on a token', () => {
  for (const channel of [undefined, 'chat'])
    it(`is what a handshake is answered, with ${channel ?? 'no'} channel in the path, for ${tokens.length} tokens`, async () => {
      assert.ok(tokens.length >= 50);
      let letIn = 0;
      for (const made of tokens) {
        const token = await made;
        const { verdict, outcomes } = await explained(token, channel);
        const expected = verdict.status === 101 ? '101' : verdict.text;
        assert.equal(await answered(token, channel), expected, token);
        assert.equal(
          outcomes.filter((outcome) => outcome === 'failed').length,
          verdict.status === 101 ? 0 : 1,
        );
        if (verdict.status === 101) letIn += 1;
      }
      assert.ok(letIn > 5 && letIn < tokens.length - 20, `${letIn}`);
    });
});
