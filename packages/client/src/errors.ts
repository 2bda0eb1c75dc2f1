import type { FailureCode, FailureName } from './protocol/failure-names.ts';
import type { Retry } from './protocol/failure.ts';
import { failureOfClose } from './protocol/find-failure.ts';
import { retryAfter } from './protocol/retry-after.ts';

/** What can go wrong that is no row of the failure table: of the client's own, or of what lies between. */
const troubles = {
  aborted: ['Given up, as its AbortSignal said', 'no'],
  bad_address: [
    'No socket can be opened to this url. From a page by https it has to be https or wss',
    'no',
  ],
  bad_answer: ['What answered is no gateway: look at the url, and at proxies before it', 'yes'],
  closed: ['The client was closed', 'no'],
  connection_lost: ['The connection broke', 'yes'],
  cookie_blocked: [
    'Preauthentication succeeded, but its cookie does not come along with the handshake: the page is framed by another site, or the browser blocks cookies. A framed page needs `preauth: { embed: true }`',
    'no',
  ],
  no_token: ['getToken gave none: nobody is logged in', 'no'],
  queue_full: ['Too many messages wait to be published already', 'yes'],
  read_only: ['A stream of events only reads: nothing can be published by it', 'no'],
  token_failed: ['getToken failed', 'yes'],
  unreachable: [
    'The gateway does not answer: it, or the network, is down; or it refuses the origin of this page (POSTERN_ALLOWED_ORIGINS), which browsers do not tell apart',
    'yes',
  ],
  websocket_blocked: [
    'The gateway answers, but no WebSocket gets through to it: a proxy may not pass upgrades on. A `fallback` reads all the same',
    'yes',
  ],
} as const satisfies Record<string, readonly [text: string, retry: Retry]>;

/** The name of a row of the failure table, as a code. */
type Snake<Text> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : '';

/** What a program can go by: the name of a row of the failure table, a code of it, or one of the client's own. */
export type ErrorCode = FailureCode | Snake<FailureName> | keyof typeof troubles;

/** What else is known of an error. */
interface Circumstances {
  readonly retry: Retry;
  /** The close code, where a connection was ended. */
  readonly closeCode?: number;
  /** The HTTP status, where a request was refused. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** The one error of the client. Match on `code`; the text is for people, and may change. */
export class PosternError extends Error {
  override readonly name = 'PosternError';
  /** One of {@link ErrorCode}, or what a newer gateway has added to the failure table. */
  readonly code: ErrorCode | (string & {});
  /** Whether the same may be tried again: as it is, by another token, or not. */
  readonly retry: Retry;
  readonly closeCode: number | undefined;
  readonly status: number | undefined;

  constructor(code: PosternError['code'], message: string, circumstances: Circumstances) {
    super(message);
    this.code = code;
    this.retry = circumstances.retry;
    this.closeCode = circumstances.closeCode;
    this.status = circumstances.status;
    if (circumstances.cause !== undefined) this.cause = circumstances.cause;
  }
}

/** An error of the client's own. */
export function trouble(code: keyof typeof troubles, cause?: unknown): PosternError {
  const [text, retry] = troubles[code];
  return new PosternError(code, text, { retry, cause });
}

/** How a connection was ended by its other side. */
export function errorOfClose(closeCode: number, reason: string): PosternError {
  const known = failureOfClose(closeCode, reason);
  if (known === undefined && closeCode <= 1006) return trouble('connection_lost');
  const code = known === undefined ? `closed_${closeCode}` : snake(known.name);
  const text = reason || (known?.row.reason ?? code);
  return new PosternError(code, text, { retry: retryAfter(closeCode, reason), closeCode });
}

/** What an answer says of why it is none that was hoped for. */
export interface Problem {
  readonly status: number;
  /** A code of the failure table; undefined: no gateway says this. */
  readonly code: string | undefined;
  readonly title: unknown;
  readonly retry: unknown;
}

/** What a request was refused for. */
export function errorOfProblem({ status, code, title, retry }: Problem): PosternError {
  const isPassing = retry === 'yes' || (retry === undefined && (status === 429 || status >= 500));
  return new PosternError(
    code ?? 'bad_answer',
    code === undefined ? `${troubles.bad_answer[0]} (${status})` : String(title),
    {
      retry: isPassing ? 'yes' : 'no',
      status,
    },
  );
}

/** `slowConsumer` → `slow_consumer`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
