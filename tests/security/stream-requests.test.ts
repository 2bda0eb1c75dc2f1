import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { APP, claimsOf, FRAME } from '../support/preauth.ts';
import { refusedStream, StreamClient, whyNot } from '../support/stream-client.ts';
import type { StreamRequest } from '../support/stream-client.ts';
import {
  BEARER,
  browser,
  cookieOf,
  csrfOf,
  embedOf,
  framed,
  startAttacked,
} from '../support/ws-attacks.ts';
import type { Case } from '../support/ws-attacks.ts';
import { cookies, slots } from '../support/ws-hostile-credentials.ts';
import { origins } from '../support/ws-hostile-requests.ts';

const OWN = 'https://ws.test';
const target = await startAttacked(
  { after },
  { POSTERN_ALLOWED_HOSTS: '127.0.0.1', POSTERN_PUBLIC_URL: OWN },
);
const unknown = await startAttacked({ after }, { POSTERN_ALLOWED_HOSTS: '127.0.0.1' });
const scope = failOnLeaks();

/** What a browser says by itself to its own origin: no Origin. */
const SELF = {
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
};
const self = (change: StreamRequest = {}): StreamRequest => ({
  cookie: cookieOf(),
  csrf: csrfOf({ origin: OWN }),
  origin: undefined,
  headers: SELF,
  ...change,
});
const told = async (request: StreamRequest, { port } = target): Promise<string> => {
  const answer = await refusedStream(port, request);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return whyNot(answer);
};
const lets = async (request: StreamRequest): Promise<void> => {
  const stream = await StreamClient.open(scope, target.port, request);
  await stream.said('welcome');
  stream.leave();
};

describe('A hostile request for a stream', () => {
  // Those of the offers have no place in such a request.
  const fits = ([, handshake]: Case): boolean => handshake.offers === undefined;
  for (const [group, cases] of Object.entries({ origins, cookies, slots }))
    it(`gets none, as a handshake gets no socket: ${group}, ${cases.filter(fits).length}`, async () => {
      for (const [name, handshake, expected] of cases.filter(fits)) {
        const answer = await told(handshake);
        assert.ok(answer === expected || answer.startsWith(`${expected}: `), `${name}: ${answer}`);
      }
    });

  it('has left the way open for those who belong', async () => {
    await lets(browser());
    await lets(framed());
    await lets(self());
    await lets({ bearer: BEARER, origin: undefined });
    await lets({ bearer: BEARER, origin: undefined, cookie: cookieOf() });
    await lets({
      bearer: BEARER,
      origin: undefined,
      headers: { ...SELF, 'Sec-Fetch-Site': 'cross-site' },
    });
    await lets(browser({ headers: { ...SELF, 'Sec-Fetch-Site': 'same-site' } }));
  });

  it('without an Origin gets none, unless its browser says that it is of one origin with the gateway', async () => {
    for (const site of [
      undefined,
      'same-site',
      'cross-site',
      'none',
      '',
      'Same-Origin',
      'same-origin, same-origin',
    ])
      assert.equal(
        await told(self({ headers: { ...SELF, 'Sec-Fetch-Site': site } })),
        '403 Origin missing: origin_missing',
        site,
      );
    const lines = ['Sec-Fetch-Site: same-origin'];
    assert.equal(await told(self({ lines })), '403 Origin missing: origin_missing');
    assert.equal(
      await told({ embed: embedOf(), origin: undefined, headers: SELF }),
      '403 Origin missing: origin_missing',
    );
  });

  it('without an Origin gets none by the token of any other page', async () => {
    for (const origin of [APP, FRAME, 'https://127.0.0.1', 'null', 'undefined'])
      assert.equal(
        await told(self({ csrf: csrfOf({ origin }) })),
        '403 Forbidden: origin_mismatch',
        origin,
      );
    assert.equal(
      await told(self(), unknown),
      '403 Origin missing: origin_missing',
      'nobody knows which origin that is',
    );
  });

  it('is not one that a page’s script makes', async () => {
    const denied = '403 Request not allowed: fetch_denied';
    for (const [name, values] of Object.entries({
      'Sec-Fetch-Mode': ['navigate', 'no-cors', 'websocket', ''],
      'Sec-Fetch-Dest': ['document', 'iframe', 'image', 'script', 'websocket', ''],
      'Sec-Fetch-Site': ['cross-site', 'none', ''],
    }))
      for (const value of values) {
        const headers = { ...SELF, [name]: value };
        assert.equal(await told(browser({ headers })), denied, `${name}: ${value}`);
        if (name !== 'Sec-Fetch-Site')
          assert.equal(await told({ bearer: BEARER, headers }), denied, `${name}: ${value}`);
      }
  });

  it('shows one credential, and says one thing once', async () => {
    const both = { csrf: csrfOf(), cookie: cookieOf() };
    for (const more of [{ bearer: BEARER }, { embed: embedOf() }])
      assert.equal(await told({ ...both, ...more }), '400 Bad message: credential_ambiguous');
    assert.equal(
      await told(browser({ target: `/sse?channel=chat&csrf=${csrfOf()}&csrf=${csrfOf()}` })),
      '400 Bad message: credential_ambiguous',
    );
    assert.equal(await told({}), '401 Unauthorized: credential_missing');
    for (const lines of [
      [`Origin: ${APP}`],
      [`Authorization: Bearer ${BEARER}`],
      ['Host: evil.test'],
    ])
      assert.equal(await told({ bearer: BEARER, lines }), '400 Bad message: bad_message', lines[0]);
    assert.equal(
      await told({ bearer: BEARER, version: 'HTTP/1.0' }),
      '400 Bad message: bad_message',
    );
    for (const lines of [['Content-Length: 2'], ['Transfer-Encoding: chunked']])
      assert.equal(await told({ bearer: BEARER, lines }), '400 Bad message: bad_message', lines[0]);
    assert.equal(
      await told({ bearer: BEARER, headers: { Host: 'evil.test' } }),
      '421 Host not allowed: host_denied',
    );
  });

  it('lets pages of our own read why, and no others', async () => {
    for (const [origin, allowed] of [
      [APP, APP],
      [OWN, OWN],
      [FRAME, undefined],
      ['https://evil.test', undefined],
    ] as const) {
      const { headers } = await refusedStream(target.port, { origin, bearer: 'x' });
      assert.equal(headers.get('access-control-allow-origin'), allowed);
      assert.equal(headers.get('access-control-allow-credentials'), allowed && 'true');
      assert.equal(headers.get('vary'), 'Origin');
    }
  });
});

describe('The channels of a request for a stream', () => {
  const by = (query: string): Promise<string> => told({ bearer: BEARER, target: `/sse?${query}` });

  it('are there, have a name that can be one, and are granted, every one of them', async () => {
    const bad = '400 Bad message: bad_message';
    const denied = '403 Forbidden: scope_denied';
    for (const query of ['', 'channel', 'channel=', 'Channel=chat', 'channel=chat&channel='])
      assert.equal(await by(query), bad, query);
    for (const name of [
      'room:*',
      '*',
      'room:{sub}',
      'room:%00',
      'room:%0d%0aX: y',
      'room:%0aid: 9',
      'room:%7f',
      'room:%C2%85',
      `room:${'x'.repeat(196)}`,
    ])
      assert.equal(
        await by(`channel=chat&channel=${encodeURI(name).replaceAll('%25', '%')}`),
        bad,
        name,
      );
    for (const name of ['%', '%zz', '%ff', '%c0%80', '%ed%a0%80'])
      assert.equal(await by(`channel=room:${name}`), bad, name);
    for (const name of ['news', 'Chat', 'chat%20', 'room:', 'constructor', '__proto__'])
      assert.equal(await by(`channel=chat&channel=${name}`), denied, name);
  });

  it('are no more than a session may be subscribed to, and are counted once', async () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, n) => `channel=room:${n}`).join('&');
    assert.equal(await by(many(101)), '429 Connection limit: subscription_limit');
    await lets({ bearer: BEARER, target: `/sse?${many(100)}` });
    await lets({ bearer: BEARER, target: `/sse?${'channel=chat&'.repeat(500)}` });
    // More than a head may hold: Node itself refuses.
    const { status } = await refusedStream(target.port, {
      bearer: BEARER,
      target: `/sse?${many(100_000)}`,
    });
    assert.equal(status, 431);
  });

  it('come with one cursor at most, whatever it says', async () => {
    const bad = '400 Bad message: bad_message';
    for (const query of ['from=', 'from=a.1&from=a.2'])
      assert.equal(await by(`channel=chat&${query}`), bad, query);
    for (const from of [
      'x',
      'a.1',
      '0',
      '__proto__',
      '%0aevent: forged',
      'x'.repeat(5_000),
      '\u2028',
      '.',
      '-1',
    ]) {
      const stream = await StreamClient.open(scope, target.port, {
        bearer: BEARER,
        channels: ['chat', 'room:1'],
        from: decodeURIComponent(from),
      });
      const { type, lastEventId } = await stream.event();
      assert.deepEqual([type, lastEventId], ['welcome', '']);
      for (const channel of ['chat', 'room:1']) {
        const gap = await stream.said('gap');
        assert.deepEqual([gap['channel'], gap['reason']], [channel, 'unknown_cursor']);
      }
      assert.match(stream.text, /^[^]*\n\nid: [\w-]+\.\d+\n\n$/);
      stream.leave();
    }
  });
});

describe('What is logged of requests for streams', () => {
  it('is who asked and what was wrong, and nothing of what they brought', async () => {
    const csrf = csrfOf();
    await told({
      csrf,
      cookie: cookieOf({ login: { sid: 'another' } }),
      channels: ['room:secret'],
    });
    await lets(browser({ csrf, target: `/sse?channel=room:secret&csrf=${csrf}` }));
    const lines = JSON.stringify(target.events);
    for (const secret of [csrf, String(claimsOf(csrf)['jti']), 'room:secret', 'channel='])
      assert.ok(!lines.includes(secret), secret);
    const refused = target.events.findLast(({ event }) => event === 'handshake_refused');
    assert.equal(refused?.fields['failure'], 'bindingMismatch');
  });
});
