import type { ServerResponse } from 'node:http';
import type { Refusal } from './refuse.ts';

/** Answers with a small text that must not be cached. */
export function answer(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

/** What a handler may have said about the answer it had in mind, and is not true of a failure. */
const ABOUT_ANOTHER = ['ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Range', 'Cache-Control'];

/** Answers a plain request with a row of the failure table. Throws once the head is sent. */
export function answerFailure(response: ServerResponse, refusal: Refusal): void {
  const { failure, status = failure.http, text = failure.reason, headers } = refusal;
  for (const name of ABOUT_ANOTHER) response.removeHeader(name);
  answer(response, status, `${text}\n`, headers);
}
