import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { sendByFetch } from '#client/fetch-request.js';
import type { HttpAnswer, HttpRequest } from '#client/http-request.js';

import { withGlobal } from './support/globals.ts';

const request: HttpRequest = {
  method: 'POST',
  url: 'https://rt.example.com/preauth',
  headers: { 'X-Postern-Preauth': '1' },
  body: '{}',
  omitsCookies: false,
};

/** What comes of a request that is answered so, and how it was made. */
async function send(t: TestContext, answer: () => Promise<Response>, more = {}) {
  const made: { readonly url: string; readonly init: RequestInit }[] = [];
  withGlobal(t, 'fetch', (url: string, init: RequestInit) => {
    made.push({ url, init });
    return answer();
  });
  const got = await new Promise<HttpAnswer | undefined>((resolve) =>
    sendByFetch({ ...request, ...more }, resolve),
  );
  return { got, made: made[0] ?? assert.fail('no request was made') };
}

describe('sendByFetch', () => {
  it('sends what it is given, with cookies, and not for ever', async (t) => {
    const { got, made } = await send(t, () => Promise.resolve(new Response('no', { status: 403 })));
    const { method, headers, body, credentials, signal } = made.init;
    assert.deepEqual(
      [made.url, method, headers, body],
      [request.url, 'POST', request.headers, '{}'],
    );
    assert.deepEqual([credentials, signal?.aborted], ['include', false]);
    assert.deepEqual(got, { status: 403, text: 'no' });
  });

  it('leaves cookies out where it is told to', async (t) => {
    const { made } = await send(t, () => Promise.resolve(new Response('')), { omitsCookies: true });
    assert.equal(made.init.credentials, 'omit');
  });

  it('does not wait for the end of a stream of events', async (t) => {
    let isCancelled = false;
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    const headers = { 'Content-Type': 'text/event-stream; charset=utf-8' };
    const { got } = await send(t, () => Promise.resolve(new Response(body, { headers })));
    assert.deepEqual([got, isCancelled], [{ status: 200, text: '' }, true]);
  });

  it('answers nothing where nothing came', async (t) => {
    const { got } = await send(t, () => Promise.reject(new TypeError('Failed to fetch')));
    assert.equal(got, undefined);
  });
});
