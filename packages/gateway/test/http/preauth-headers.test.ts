import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { corsHeaders, preflightHeaders } from '#gateway/http/cors.js';
import { isFetchAllowed } from '#gateway/http/fetch-metadata.js';
import type { FetchPurpose } from '#gateway/http/fetch-metadata.js';
import { headerLines } from '#gateway/http/header-lines.js';

const APP = 'https://app.test';

describe('CORS', () => {
  it('lets a listed page read the answer and send credentials', () => {
    assert.deepEqual(corsHeaders({ origin: APP, isAllowed: true, isEmbedding: false }), {
      'Access-Control-Allow-Origin': APP,
      'Access-Control-Allow-Credentials': 'true',
    });
  });

  it('lets a framed page read it, and nothing more', () => {
    assert.deepEqual(corsHeaders({ origin: APP, isAllowed: false, isEmbedding: true }), {
      'Access-Control-Allow-Origin': APP,
    });
  });

  it('says nothing to anybody else', () => {
    for (const whence of [
      { origin: APP, isAllowed: false, isEmbedding: false },
      { origin: undefined, isAllowed: true, isEmbedding: true },
    ]) {
      assert.deepEqual(corsHeaders(whence), {});
      assert.deepEqual(preflightHeaders(whence, 'preauth'), {});
      assert.deepEqual(preflightHeaders(whence, 'stream'), {});
    }
  });

  it('says to a page that asks first what it may send', () => {
    const whence = { origin: APP, isAllowed: true, isEmbedding: false };
    for (const [what, method, headers] of [
      ['preauth', 'POST', 'Authorization, Content-Type, X-Postern-Preauth'],
      ['stream', 'GET', 'Authorization, Last-Event-ID'],
    ] as const)
      assert.deepEqual(preflightHeaders(whence, what), {
        ...corsHeaders(whence),
        'Access-Control-Allow-Methods': method,
        'Access-Control-Allow-Headers': headers,
        'Access-Control-Max-Age': '600',
      });
  });
});

describe('Fetch Metadata', () => {
  const allowed = (purpose: FetchPurpose, ...values: readonly (string | undefined)[]): boolean => {
    const [mode, dest, site] = values;
    return isFetchAllowed(
      { 'sec-fetch-mode': mode, 'sec-fetch-dest': dest, 'sec-fetch-site': site },
      purpose,
    );
  };
  const purposes = [
    'preauth',
    'preauthEmbed',
    'handshakeWithCookie',
    'handshake',
    'streamWithCookie',
    'stream',
  ] as const;

  it('may be absent, each for itself', () => {
    for (const purpose of purposes) assert.ok(allowed(purpose));
    assert.ok(allowed('preauth', 'cors'));
    assert.ok(allowed('handshake', undefined, 'websocket'));
  });

  it('must be those of such a request, as browsers spell them', () => {
    const combinations = ['cors', 'same-origin', 'no-cors', 'navigate', 'websocket', ''].flatMap(
      (mode) =>
        ['empty', 'websocket', 'document', 'iframe', ''].flatMap((dest) =>
          ['same-origin', 'same-site', 'cross-site', 'none', 'Same-Origin', ''].map(
            (site) => [mode, dest, site] as const,
          ),
        ),
    );
    const those = (purpose: FetchPurpose): readonly string[] =>
      combinations
        .filter((values) => allowed(purpose, ...values))
        .map((values) => values.join(' '));

    const near = [
      'cors empty same-origin',
      'cors empty same-site',
      'same-origin empty same-origin',
      'same-origin empty same-site',
    ];
    assert.deepEqual(those('preauth'), near);
    assert.deepEqual(those('preauthEmbed'), [
      ...near.slice(0, 2),
      'cors empty cross-site',
      ...near.slice(2),
      'same-origin empty cross-site',
    ]);
    assert.deepEqual(those('handshakeWithCookie'), [
      'websocket empty same-origin',
      'websocket empty same-site',
      'websocket websocket same-origin',
      'websocket websocket same-site',
    ]);
    assert.equal(those('handshake').length, 12);
    assert.deepEqual(those('streamWithCookie'), near);
    assert.equal(those('stream').length, 12);
  });

  it('counts for nothing when it is there twice', () => {
    assert.equal(allowed('preauth', 'cors', 'empty', 'same-origin, same-origin'), false);
  });
});

describe('The lines of a header', () => {
  it('are found by name, whatever its case, and never among values', () => {
    const raw = ['Host', 'a', 'X', 'host', 'hOST', 'b', 'Hosts', 'c'];
    assert.deepEqual(headerLines(raw, 'host'), ['a', 'b']);
    assert.deepEqual(headerLines(raw, 'origin'), []);
  });
});
