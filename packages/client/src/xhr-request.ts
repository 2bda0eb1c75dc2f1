import { EVENT_STREAM, PATIENCE_MS } from './http-request.ts';
import type { SendRequest } from './http-request.ts';

/** `readyState` once the head of the answer is there. */
const HAS_HEAD = 2;

/** Makes requests as browsers do that have no `fetch`. */
export const sendByXhr: SendRequest = ({ url, method, headers, body, omitsCookies }, answer) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.withCredentials = !omitsCookies;
  request.timeout = PATIENCE_MS;
  Object.keys(headers).forEach((name) => request.setRequestHeader(name, headers[name] ?? ''));
  request.onreadystatechange = () => {
    if (request.readyState !== HAS_HEAD) return;
    const type = request.getResponseHeader('Content-Type') ?? '';
    if (type.indexOf(EVENT_STREAM) !== 0) return;
    answer({ status: request.status, text: '' });
    request.abort();
  };
  request.onload = () => answer({ status: request.status, text: request.responseText });
  request.onerror = () => answer(undefined);
  request.ontimeout = () => answer(undefined);
  request.send(body ?? null);
};
