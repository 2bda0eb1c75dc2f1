import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askForStream, BROKEN, refusalOf } from '#client/event-stream-request.js';
import type { StreamRequest } from '#client/event-stream-request.js';
import { failures, retryAfter } from '#client/protocol.js';
import type { Failure } from '#client/protocol.js';

const request: StreamRequest = {
  url: 'https://rt.test/sse',
  credential: { kind: 'csrf', token: 'a.b' },
  channels: ['räume', 'a&b'],
  from: 'Vq3xZp0a.1',
  signal: new AbortController().signal,
};

/** Asks, and returns what was asked for; the answer is no stream. */
async function asked(changes: Partial<StreamRequest>): Promise<readonly unknown[]> {
  const calls: unknown[][] = [];
  await askForStream({ ...request, ...changes }, (...call) => {
    calls.push(call);
    return Promise.reject(new TypeError('Nobody is there'));
  });
  return calls[0] ?? [];
}

const answering =
  (body: string, status: number, type = 'application/problem+json'): typeof fetch =>
  () =>
    Promise.resolve(new Response(body, { status, headers: { 'Content-Type': type } }));

describe('A request for a stream', () => {
  it('shows a ticket in the query, and the cookie that belongs to it', async () => {
    const { signal } = request;
    const headers = { Accept: 'text/event-stream' };
    assert.deepEqual(await asked({}), [
      'https://rt.test/sse?channel=r%C3%A4ume&channel=a%26b&from=Vq3xZp0a.1&csrf=a.b',
      { headers, credentials: 'include', signal },
    ]);
    assert.deepEqual(
      await asked({
        credential: { kind: 'embed', token: 'c' },
        channels: ['chat'],
        from: undefined,
      }),
      ['https://rt.test/sse?channel=chat&embed=c', { headers, credentials: 'omit', signal }],
    );
  });

  it('shows a bearer in a header, without a cookie beside it, and never in the URL', async () => {
    const credential = { kind: 'bearer', token: 'secret' } as const;
    const [url, options] = await asked({ credential });
    assert.ok(!String(url).includes('secret'));
    assert.deepEqual(options, {
      headers: { Accept: 'text/event-stream', Authorization: 'Bearer secret' },
      credentials: 'omit',
      signal: request.signal,
    });
  });

  it('is answered with a stream, and with nothing else that has a status of 200', async () => {
    const stream = await askForStream(
      request,
      answering('', 200, 'text/event-stream; charset=utf-8'),
    );
    assert.ok(stream instanceof ReadableStream);
    assert.equal(await askForStream(request, answering('<h1>Log in', 200, 'text/html')), BROKEN);
    assert.equal(await askForStream(request, answering('{}', 200)), BROKEN);
    assert.equal(await askForStream(request, answering('Bad gateway', 502, 'text/plain')), BROKEN);
  });

  it('is refused by a close code for each row of the failure table, which says the same', () => {
    const rows: readonly Failure[] = Object.values(failures);
    for (const { http, close, code, reason: title, retry } of rows) {
      if (http === undefined || code === undefined) continue;
      const refusal = refusalOf({ type: `urn:postern:failure:${code}`, title, retry });
      assert.deepEqual({ ...refusal, close: 0 }, { close: 0, reason: title, code });
      assert.equal(retryAfter(refusal.close, title), retry, title);
      if (close !== undefined) assert.equal(refusal.close, close, title);
    }
  });

  it('is refused for what it does not know as the gateway says what to do', () => {
    for (const [retry, close] of [
      ['yes', 4012],
      ['new-token', 3000],
      ['no', 3003],
      [undefined, 4012],
    ] as const)
      assert.deepEqual(refusalOf({ type: 'urn:postern:failure:new', title: 'New', retry }), {
        close,
        reason: 'New',
        code: 'new',
      });
  });

  it('is broken where what answers is no gateway', () => {
    for (const problem of [undefined, null, 'text', {}, { type: 1 }, { type: 'about:blank' }])
      assert.equal(refusalOf(problem), BROKEN);
  });
});
