import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tokenProblems } from '#gateway/auth/problems.js';
import { Issuer, outcome, published } from './issuer.ts';
import { now, octJwk, publicJwk, rsaPair, secret, signToken, verifierWith } from './signing.ts';
import { settled } from './turned-timing.ts';

const invalid = tokenProblems.badSignature.raw;
const unavailable = tokenProblems.keysUnavailable.raw;
const MINUTE_MS = 60_000;

async function issuerWith(keys: readonly unknown[], maxAgeMs?: number): Promise<Issuer> {
  const issuer = new Issuer();
  issuer.publish(keys, maxAgeMs);
  await issuer.start();
  return issuer;
}

describe('an issuer that answers', () => {
  it('is asked once, and its keys let in who they signed for', async () => {
    const issuer = await issuerWith([published('a')]);
    assert.equal(await issuer.knock('a'), 'in');
    assert.equal(await issuer.knock(undefined), 'in');
    assert.equal(issuer.fetches, 1);
    assert.deepEqual(issuer.named('jwks_loaded'), [
      { event: 'jwks_loaded', host: 'issuer.test', keys: 1, refused: 0 },
    ]);
  });

  it('is asked again in the background: after ten minutes, or sooner if it says so, within bounds', async () => {
    for (const [maxAgeMs, expectedMs] of [
      [undefined, 10 * MINUTE_MS],
      [24 * 60 * MINUTE_MS, 10 * MINUTE_MS],
      [2 * MINUTE_MS, 2 * MINUTE_MS],
      [0, 30_000],
    ] as const) {
      const issuer = await issuerWith([published('a')], maxAgeMs);
      await issuer.timing.pass(expectedMs - 1);
      assert.equal(issuer.fetches, 1);
      await issuer.timing.pass(1);
      assert.equal(issuer.fetches, 2);
      assert.equal(issuer.named('jwks_loaded').length, 1, 'nothing new is no news');
    }
  });

  it('lets nobody in any more by a key that it took back', async () => {
    const issuer = await issuerWith([published('a'), published('b', rsaPair)]);
    issuer.publish([published('b', rsaPair)]);
    await issuer.timing.pass(10 * MINUTE_MS);
    const answer = issuer.knock('a');
    await issuer.timing.pass(0);
    assert.equal(await answer, invalid);
  });

  it('may give two keys one kid: each is tried', async () => {
    const other = publicJwk(rsaPair, { kid: 'a' });
    const issuer = await issuerWith([other, published('a')]);
    assert.equal(await issuer.knock('a'), 'in');
  });

  it('is not asked any more after the stop', async () => {
    const issuer = await issuerWith([published('a')]);
    issuer.ring.stop();
    await issuer.timing.pass(60 * MINUTE_MS);
    assert.equal(issuer.fetches, 1);
    assert.equal(await issuer.knock('new'), unavailable);
  });
});

describe('a kid that is not here', () => {
  it('is fetched once for all who name it', async () => {
    const issuer = await issuerWith([published('a')]);
    issuer.publish([published('a'), published('b')]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => issuer.knock('b')));
    assert.deepEqual(new Set(answers), new Set(['in']));
    assert.equal(issuer.fetches, 2);
  });

  it('can be followed by the next at once: a search that found costs no cool-down', async () => {
    const issuer = await issuerWith([published('0')]);
    for (let n = 1; n <= 10; n += 1) {
      issuer.publish([published(`${n - 1}`), published(`${n}`)]);
      assert.equal(await issuer.knock(`${n}`), 'in');
      assert.equal(await issuer.knock(`${n - 1}`), 'in');
    }
    assert.equal(issuer.fetches, 11);
  });

  it('is refused when the issuer has it not, and made-up ones cause one fetch in five seconds', async () => {
    const issuer = await issuerWith([published('a')]);
    assert.equal(await issuer.knock('made up'), invalid);
    assert.equal(issuer.fetches, 2);

    const answers = Promise.all(Array.from({ length: 100 }, (_, n) => issuer.knock(`x${n}`)));
    await issuer.timing.pass(4_999);
    assert.equal(issuer.fetches, 2);
    await issuer.timing.pass(1);
    assert.equal(issuer.fetches, 3);
    assert.deepEqual(new Set(await answers), new Set([invalid]));
  });

  it('waits through the cool-down that others caused, and is let in', async () => {
    const issuer = await issuerWith([published('a')]);
    await issuer.knock('made up');
    issuer.publish([published('b')]);
    const answer = issuer.knock('b');
    await issuer.timing.pass(5_000);
    assert.equal(await answer, 'in');
  });

  it('is looked for once more when the fetch under way began too early for it', async () => {
    const issuer = await issuerWith([published('a')]);
    const { release } = issuer.hang();
    await issuer.timing.pass(10 * MINUTE_MS);
    assert.equal(issuer.fetches, 2);
    const answer = issuer.knock('b');
    await settled();
    issuer.publish([published('b')]);
    release([published('a')]);
    assert.equal(await answer, 'in');
    assert.equal(issuer.fetches, 3);
  });

  it('waits no longer than eight seconds', async () => {
    const issuer = await issuerWith([published('a')]);
    await issuer.knock('made up');
    issuer.hang();
    let answer: string | undefined;
    void issuer.knock('b').then((said) => (answer = said));
    await issuer.timing.pass(7_999);
    assert.equal(answer, undefined);
    await issuer.timing.pass(1);
    assert.equal(answer, unavailable);
  });

  it('is not looked for on behalf of an algorithm that no published key is for', async () => {
    const issuer = await issuerWith([published('a')]);
    for (const algorithm of ['HS256', 'HS512'])
      assert.equal(
        outcome(
          await verifierWith({ source: issuer.ring })(
            signToken({ algorithm, header: { kid: 'x' } }),
            now,
          ),
        ),
        invalid,
      );
    assert.equal(issuer.fetches, 1);
  });

  it('is not looked for when a key that was given verifies the token', async () => {
    const issuer = new Issuer({ jwtSecret: secret });
    const verify = verifierWith({ source: issuer.ring });
    await issuer.start();
    assert.equal(outcome(await verify(signToken({ header: { kid: 'x' } }), now)), 'in');
    assert.equal(issuer.fetches, 1);
  });
});

describe('an issuer that does not answer', () => {
  it('is asked once for twenty tokens, which are told to come back', async () => {
    const issuer = new Issuer();
    await issuer.start();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => issuer.knock(n % 2 === 0 ? 'a' : undefined)),
    );
    assert.deepEqual(new Set(answers), new Set([unavailable]));
    assert.equal(issuer.fetches, 1);
    const [failed] = issuer.named('jwks_failed');
    assert.deepEqual([failed?.['reason'], failed?.['keys']], ['ECONNREFUSED', 0]);
  });

  it('costs nobody a key, for hours, and says how old they are', async () => {
    const issuer = await issuerWith([published('a')]);
    issuer.answer = () => Promise.reject(new Error('ECONNREFUSED'));
    await issuer.timing.pass(3 * 60 * MINUTE_MS);
    assert.equal(await issuer.knock('a'), 'in');
    assert.equal(await issuer.knock('b'), unavailable);
    const last = issuer.named('jwks_failed').at(-1);
    assert.equal(last?.['keys'], 1);
    assert.ok(Number(last['ageSeconds']) > 10_000);
  });

  it('is asked ever less often: waits double from a second to a minute, cut by up to a half', async () => {
    const issuer = new Issuer();
    await issuer.start();
    await issuer.timing.pass(10 * MINUTE_MS);
    const waits = issuer.named('jwks_failed').map(({ waitMs }) => Number(waitMs));
    waits.forEach((waitMs, n) => {
      const wholeMs = Math.min(MINUTE_MS, 1_000 * 2 ** n);
      assert.ok(waitMs >= wholeMs / 2 && waitMs <= wholeMs, `${n}: ${waitMs}`);
    });
    assert.ok(issuer.fetches <= 26, `${issuer.fetches}`);
  });

  it('is heard as soon as it is back', async () => {
    const issuer = new Issuer();
    await issuer.start();
    issuer.publish([published('a')]);
    await issuer.timing.pass(1_000);
    assert.equal(await issuer.knock('a'), 'in');
    assert.equal(issuer.named('jwks_loaded').length, 1);
  });

  it('holds up nobody whose key is here', async () => {
    const issuer = await issuerWith([published('a')]);
    issuer.hang();
    const held = issuer.knock('b');
    await issuer.timing.pass(0);
    assert.equal(issuer.fetches, 2);
    assert.equal(await issuer.knock('a'), 'in');
    assert.equal(await issuer.knock(undefined), 'in');
    await issuer.timing.pass(5_000);
    assert.equal(await held, unavailable);
    assert.equal(issuer.named('jwks_failed')[0]?.['reason'], 'no whole answer in time');
  });
});

describe('what came of a fetch', () => {
  it('is told once for each, whoever it was for, and is no news when nothing is new', async () => {
    const issuer = new Issuer();
    await issuer.start();
    issuer.publish([published('a')]);
    await issuer.timing.pass(1_000);
    issuer.say('{"keys":[]}');
    await issuer.timing.pass(10 * MINUTE_MS);
    issuer.publish([published('a')]);
    await issuer.timing.pass(1_000);
    await issuer.knock('made up');
    assert.equal(issuer.fetches, 5);
    assert.deepEqual(issuer.outcomes, ['unavailable', 'loaded', 'unusable', 'loaded', 'loaded']);
  });

  it('is nothing that came too late, and is not told when the stop cut it off', async () => {
    const issuer = new Issuer();
    issuer.hang();
    await issuer.start();
    await issuer.timing.pass(5_000);
    assert.deepEqual(issuer.outcomes, ['unavailable']);

    await issuer.timing.pass(1_000);
    assert.equal(issuer.fetches, 2);
    issuer.ring.stop();
    await settled();
    assert.deepEqual(issuer.outcomes, ['unavailable']);
  });
});

describe('an answer that is no set', () => {
  const weak = octJwk(secret, { kid: 'weak' });
  const answers: Readonly<Record<string, string>> = {
    'no JSON': '<html>',
    'JSON of another kind': '[]',
    'no list of keys': '{"keys":{}}',
    'no key': '{"keys":[]}',
    'keys that are none': '{"keys":[1,null,"x"]}',
    'a secret': JSON.stringify({ keys: [weak] }),
    'too many keys': JSON.stringify({ keys: Array.from({ length: 101 }, () => published('b')) }),
  };
  for (const [name, text] of Object.entries(answers))
    it(`keeps the keys at hand: ${name}`, async () => {
      const issuer = await issuerWith([published('a')]);
      issuer.say(text);
      await issuer.timing.pass(10 * MINUTE_MS);
      assert.equal(issuer.named('jwks_failed').length, 1);
      assert.equal(await issuer.knock('a'), 'in');
    });

  it('costs no good key of the set when only others are bad; secrets are never used', async () => {
    const broken = { kty: 'EC', crv: 'P-256', x: 'hunter2', y: 'hunter2', kid: 'broken' };
    const issuer = await issuerWith([weak, broken, published('a'), { kty: 'new' }, 7]);
    assert.equal(await issuer.knock('a'), 'in');
    assert.deepEqual(
      issuer.named('jwks_key_refused').map(({ position }) => position),
      [1, 2, 5],
    );
    assert.doesNotMatch(JSON.stringify(issuer.events), new RegExp(`hunter2|${secret}`));
    const token = signToken({ header: { kid: 'weak' } });
    assert.equal(outcome(await verifierWith({ source: issuer.ring })(token, now)), invalid);
  });
});
