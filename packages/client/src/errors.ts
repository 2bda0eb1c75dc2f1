import type { FailureCode, FailureName } from './protocol/failure-names.ts';
import type { Retry } from './protocol/failure.ts';
import { failureOfClose } from './protocol/find-failure.ts';
import type { ErrorReply } from './protocol/messages.ts';
import { retryByRange } from './protocol/retry-after.ts';

/** What can go wrong that is no row of the failure table, and what is to be said of it beyond its name. */
const troubles = {
  aborted: ['no', ''],
  bad_address: ['no', 'an https page opens wss only'],
  bad_answer: ['yes', 'not a gateway’s'],
  closed: ['no', ''],
  connection_lost: ['yes', ''],
  cookie_blocked: ['no', 'the browser keeps it back; a framed page needs `embed`'],
  no_token: ['no', 'nobody is logged in'],
  outcome_unknown: ['no', 'no answer came'],
  queue_full: ['yes', ''],
  read_only: ['no', ''],
  token_failed: ['yes', ''],
  too_big: ['no', ''],
  unreachable: ['yes', 'down, or it refuses this origin'],
  websocket_blocked: ['yes', 'by a proxy'],
} as const satisfies Record<string, readonly [retry: Retry, more: string]>;

/** The name of a row of the failure table, as a code. */
type Snake<Text> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : '';

/** What a program can go by: the name of a row of the failure table, a code of it, or one of the client's own. */
export type ErrorCode = FailureCode | Snake<FailureName> | keyof typeof troubles;

/** What else is known of an error. */
interface Circumstances {
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

  constructor(
    code: PosternError['code'],
    message: string,
    retry: Retry,
    { closeCode, status, cause }: Circumstances = {},
  ) {
    super(message);
    this.code = code;
    this.retry = retry;
    this.closeCode = closeCode;
    this.status = status;
    this.cause = cause;
  }
}

/** An error of the client's own. */
export function trouble(code: keyof typeof troubles, circumstances?: Circumstances): PosternError {
  const [retry, more] = troubles[code];
  const text = code.replace('_', ' ');
  return new PosternError(code, more === '' ? text : `${text}: ${more}`, retry, circumstances);
}

/** What a reply says. */
export function errorOfReply({
  code,
  message,
  retry,
}: Omit<ErrorReply, 'type' | 'id'>): PosternError {
  return new PosternError(code, message, retry);
}

/** How a connection was ended by its other side. */
export function errorOfClose(closeCode: number, reason: string): PosternError {
  const known = failureOfClose(closeCode, reason);
  if (known === undefined && closeCode <= 1006) return trouble('connection_lost');
  const code = snake(known?.name ?? `closed_${closeCode}`);
  const retry = known?.row.retry ?? retryByRange(closeCode);
  return new PosternError(code, reason || code, retry, { closeCode });
}

/** `slowConsumer` → `slow_consumer`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
