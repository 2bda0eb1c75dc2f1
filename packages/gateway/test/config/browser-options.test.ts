import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printConfig } from '#gateway/config/describe.js';
import { parseGiven } from '#gateway/config/given.js';
import { loadConfig } from '#gateway/config/load.js';
import { GatewayError } from '#gateway/errors.js';

const load = (environment: Record<string, string>) => loadConfig({ environment }).options;
const base64 = Buffer.alloc(32, 251).toString('base64');

describe('The options of the way in for browsers', () => {
  it('are none when nothing is said', () => {
    const { secrets, publicUrl, embedOrigins } = load({});
    assert.deepEqual([secrets, publicUrl, embedOrigins], [undefined, undefined, []]);
  });

  it('take secrets with names, from the environment and from a program', () => {
    const text = `new:${base64},old:${base64.replace('+', '-')}`;
    for (const { secrets } of [load({ POSTERN_SECRETS: text }), parseGiven({ secrets: text })])
      assert.deepEqual(
        secrets?.reveal().map(({ kid, secret }) => [kid, secret.length]),
        [
          ['new', 32],
          ['old', 32],
        ],
      );
  });

  it('take secrets that were read before', () => {
    const { secrets } = load({ POSTERN_SECRETS: `a:${base64}` });
    assert.equal(parseGiven({ secrets }).secrets, secrets);
  });

  it('tell a malformed secret without any of it, and print none', () => {
    for (const POSTERN_SECRETS of [
      'a:Zm9vYmFy',
      `Zm9vYmFy:${base64},Zm9vYmFy:${base64}`,
      'Zm9vYmFy',
    ])
      assert.throws(
        () => load({ POSTERN_SECRETS }),
        (error) =>
          error instanceof GatewayError &&
          /POSTERN_SECRETS: expected kid:base64/.test(error.message) &&
          !error.message.includes('Zm9vYmFy'),
      );
    const printed = printConfig(load({ POSTERN_SECRETS: `a:${base64}` }));
    assert.match(printed, /"secrets": "\[secret\]"/);
  });

  it('take a public URL by http or https, with a path', () => {
    for (const url of ['https://app.test', 'http://localhost:3000/', 'https://app.test/ws/base'])
      assert.equal(load({ POSTERN_PUBLIC_URL: url }).publicUrl, url);
  });

  for (const url of [
    'app.test',
    '//app.test',
    'wss://app.test',
    'javascript:alert(1)',
    'https://',
    'https://user@app.test',
    'https://:pw@app.test',
    'https://app.test?',
    'https://app.test/?a=b',
    'https://app.test/#',
    'https://app.test/a b',
    ' https://app.test\n',
    'null',
  ])
    it(`take no public URL ${JSON.stringify(url)}`, () => {
      assert.throws(() => load({ POSTERN_PUBLIC_URL: url }), /POSTERN_PUBLIC_URL: expected a URL/);
    });

  it('take exact origins that embed, of any scheme', () => {
    const good = 'https://app.test,http://localhost:5173,app://x,capacitor://localhost';
    assert.deepEqual(load({ POSTERN_EMBED_ORIGINS: good }).embedOrigins, good.split(','));
  });

  for (const name of ['POSTERN_EMBED_ORIGINS', 'POSTERN_ALLOWED_ORIGINS'])
    for (const origin of [
      'null',
      '*',
      'https://*',
      'https://*.app.test',
      'app://*',
      'https://app.test/',
      'https://app.test:443',
      'https://APP.test',
      'https://app.test.evil.test/x',
      'app.test',
    ])
      it(`take no ${origin} for ${name}`, () => {
        assert.throws(() => load({ [name]: `https://a.test,${origin}` }), /expected exact origins/);
      });
});
