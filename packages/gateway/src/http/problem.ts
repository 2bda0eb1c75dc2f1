import type { ServerResponse } from 'node:http';

import { PROBLEM_TYPE } from '@postern/client/protocol';

import type { Refusal } from './refuse.ts';

/** Header lines by name. */
export type Headers = Readonly<Record<string, string>>;

/**
 * What every answer of preauthentication says: nobody keeps it, nor hands it to another page, nor takes
 * it for something else than it says.
 */
export const preauthHeaders = {
  'Cache-Control': 'no-store',
  Vary: 'Origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const satisfies Headers;

/**
 * Answers with problem details (RFC 9457): a row of the failure table and one of its codes. All of it is
 * constant: nothing of a request is ever sent back.
 */
export function answerProblem(
  response: ServerResponse,
  { failure, code: finer, text = failure.advice, headers }: Refusal,
  more: Headers,
): void {
  const code = finer ?? failure.code;
  const problem = {
    type: code === undefined ? 'about:blank' : `${PROBLEM_TYPE}${code}`,
    title: failure.reason,
    status: failure.http,
    detail: text,
    retry: failure.retry,
  };
  answerJson(response, failure.http, problem, {
    'Content-Type': 'application/problem+json',
    ...headers,
    ...more,
  });
}

/** Answers with JSON, as preauthentication does. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...preauthHeaders,
    ...headers,
  });
  response.end(text);
}
