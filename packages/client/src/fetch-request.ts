import { EVENT_STREAM, PATIENCE_MS } from './http-request.ts';
import type { HttpAnswer, HttpRequest, SendRequest } from './http-request.ts';

/** Makes requests by `fetch`. */
export const sendByFetch: SendRequest = (request, answer) => {
  send(request).then(answer, () => answer(undefined));
};

async function send({ omitsCookies, url, ...request }: HttpRequest): Promise<HttpAnswer> {
  const response = await fetch(url, {
    ...request,
    credentials: omitsCookies ? 'omit' : 'include',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const { status, headers, body } = response;
  if (headers.get('content-type')?.indexOf(EVENT_STREAM) !== 0)
    return { status, text: await response.text() };
  await body?.cancel();
  return { status, text: '' };
}
