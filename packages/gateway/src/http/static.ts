import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { failures } from '@postern/client/protocol';
import { answer, answerFailure } from './answer.ts';

/**
 * Answers a GET or HEAD from the files of one folder. When a file cannot be read, perhaps with the
 * first bytes already sent, the answer is left to `fail`.
 */
export type ServeFile = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  fail: (error: Error) => void,
) => void;

/** What `send` reports. */
interface Fault {
  readonly status?: number;
  readonly code?: string;
}

/** What is wrong with a request for a file that is there: RFC 9110 §15.5.13 and §15.5.17. */
const BAD_CONDITIONS: ReadonlySet<number> = new Set([412, 416]);

/**
 * Serves the files below `root` with ETag, Last-Modified and ranges. What is hidden (a name that
 * starts with a dot), lies outside or is not there is 404, all alike: a path may hold a token, so
 * neither the answer nor the log repeats it. Symbolic links are followed: whoever can put one there
 * can put the file there.
 */
export function createStaticFiles(root: string): ServeFile {
  // Here, as most gateways serve no files, and its table of media types takes a while to load.
  const loading = import('send');
  return (request, response, path, fail) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    loading
      .then(({ default: send }) => {
        send(request, path, { root, dotfiles: 'ignore', index: 'index.html' })
          .on('error', (fault: Fault) => answerFault(response, fault, fail))
          // Not to the path with a slash, as `send` would: one that starts with two names another host.
          .on('directory', () => answerFailure(response, { failure: failures.notFound }))
          .pipe(response);
      })
      .catch(fail);
  };
}

function answerFault(
  response: ServerResponse,
  { status = 500, code = 'unknown' }: Fault,
  fail: (error: Error) => void,
): void {
  // Its own message names the path.
  if (status === 500 || response.headersSent) fail(new Error(`A file could not be read (${code})`));
  else if (BAD_CONDITIONS.has(status)) answer(response, status, `${STATUS_CODES[status] ?? ''}\n`);
  else answerFailure(response, { failure: failures.notFound });
}
