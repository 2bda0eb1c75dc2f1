import { EVENT_STREAM } from './http-request.ts';
import type { HttpAnswer, HttpRequest, SendRequest } from './http-request.ts';

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 20_000;

/** Makes requests by `fetch`. */
export const sendByFetch: SendRequest = (request, answer) => {
  send(request).then(answer, () => answer(undefined));
};

async function send({
  url,
  method,
  headers,
  body,
  omitsCookies,
}: HttpRequest): Promise<HttpAnswer> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, {
      method,
      headers,
      body: body ?? null,
      credentials: omitsCookies ? 'omit' : 'include',
      cache: 'no-store',
      signal: stop.signal,
    });
    const isEndless = (response.headers.get('content-type') ?? '').startsWith(EVENT_STREAM);
    const text = isEndless ? '' : await response.text();
    if (isEndless) stop.abort();
    return { status: response.status, text };
  } finally {
    clearTimeout(timer);
  }
}
