import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyRing } from '#gateway/auth/key-ring.js';
import { createVerifier } from '#gateway/auth/verify.js';
import { explainToken } from '#gateway/cli/explain-token.js';

const secret = 'a secret of the tests, long enough to sign';
const nowSeconds = 1_800_000_000;
const exp = nowSeconds + 60;
const names = ['form', 'signature', 'claims', 'grant'] as const;

const verify = createVerifier({
  source: new KeyRing({ jwtSecret: secret, jwtSecretBase64: false }, { log: () => undefined }),
  audiences: [],
  issuers: [],
  types: [],
  requireExp: true,
  requireClaims: [],
  expLeewaySeconds: 0,
  clockLeewaySeconds: 5,
});
const gate = { verify, openChannels: false, channelPatterns: true };

const explain = (token: string, channel?: string) =>
  explainToken(gate, { token, channel, nowSeconds });

describe('An explanation of a token', () => {
  it('says what a token that gets in may do, and until when', async () => {
    const token = sign({ mode: 'r', channels: ['chat', 'news'], exp });
    const steps = names.map((step) => ({ step, outcome: 'passed' }));

    assert.deepEqual(await explain(token), {
      steps,
      verdict: {
        status: 101,
        grant: { channels: ['chat', 'news'], readable: ['chat', 'news'], writable: [] },
        expiresAt: exp,
      },
    });
    assert.deepEqual((await explain(token, 'news')).verdict, {
      status: 101,
      grant: { channels: ['news'], readable: ['news'], writable: [] },
      expiresAt: exp,
    });
  });

  it('tells channels apart by what may be done with each, and asks patterns for the one in the path', async () => {
    const token = sign({ channels: { news: 'r', log: 'w', 'room:*': 'rw' }, exp });
    assert.deepEqual((await explain(token)).verdict, {
      status: 101,
      grant: { channels: ['news', 'log'], readable: ['news'], writable: ['log'] },
      expiresAt: exp,
    });
    assert.deepEqual((await explain(token, 'room:1')).verdict, {
      status: 101,
      grant: { channels: ['room:1'], readable: ['room:1'], writable: ['room:1'] },
      expiresAt: exp,
    });
  });

  it('opens any channel in the path to a token without channels only where the gate does', async () => {
    const question = { token: sign({ mode: 'rw', exp }), channel: 'chat', nowSeconds };

    const closed = await explainToken(gate, question);
    assert.deepEqual(closed.verdict, { status: 400, text: 'No allowed channels' });
    const open = await explainToken({ ...gate, openChannels: true }, question);
    assert.equal(open.verdict.status, 101);
  });

  const whole = sign({ mode: 'rw', channels: ['chat'], exp });
  const [header, payload] = whole.split('.');
  for (const [name, token, step, text] of [
    ['nothing', '', 'form', 'Missing mode'],
    ['a word', 'x', 'form', 'Error: JWSError expected three parts, separated by dots'],
    ['no signature', `${header}.${payload}.`, 'signature', 'Error: JWSError JWSNoSignatures'],
    ['a forgery', `${header}.${payload}.AAAA`, 'signature', 'Error: JWSError JWSInvalidSignature'],
    ['an old token', sign({ exp: nowSeconds }), 'claims', 'Token expired'],
    ['a token for later', sign({ exp, nbf: exp }), 'claims', 'Error: JWTNotYetValid'],
    ['no mode', sign({ channels: ['chat'], exp }), 'grant', 'Missing mode'],
    ['another channel', sign({ mode: 'r', channel: 'x', exp }), 'grant', 'No allowed channels'],
  ] as const) {
    it(`names the ${step} as the step that stops ${name}, in the words of the handshake`, async () => {
      const failed = names.indexOf(step);
      const outcomes = names.map((_, at) => {
        if (at === failed) return 'failed';
        return at < failed ? 'passed' : 'not reached';
      });

      const { steps, verdict } = await explain(token, 'chat');
      assert.deepEqual(
        steps,
        names.map((expected, at) => ({ step: expected, outcome: outcomes[at] })),
      );
      assert.deepEqual(verdict, { status: 400, text });
    });
  }

  it('refuses any text that nobody signed, always at exactly one step', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        fc.option(fc.string(), { nil: undefined }),
        async (text, at) => {
          const { steps, verdict } = await explain(text, at);
          assert.equal(verdict.status, 400);
          assert.equal(steps.filter(({ outcome }) => outcome === 'failed').length, 1);
        },
      ),
    );
  });
});

function sign(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
