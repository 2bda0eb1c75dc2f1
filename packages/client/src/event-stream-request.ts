import { EVENT_STREAM } from './http-request.ts';
import { failureOfClose } from './protocol/find-failure.ts';
import { PROBLEM_TYPE } from './protocol/problem-type.ts';

/** What shows who asks: a ticket of a preauthentication, or a token of the site's own. */
export interface StreamCredential {
  readonly kind: 'csrf' | 'embed' | 'bearer';
  readonly token: string;
}

/** What a stream is asked for. */
export interface StreamRequest {
  /** That of the stream. */
  readonly url: string;
  /** Undefined: nothing shows who asks. */
  readonly credential: StreamCredential | undefined;
  readonly channels: readonly string[];
  /** The cursor after which it is to begin; undefined: with what comes from now on. */
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

/** Why there is no stream. */
export interface StreamRefusal {
  /** The close code that says the same; 1006 for what never arrived, or was answered by no gateway. */
  readonly close: number;
  /** For people. */
  readonly reason: string;
  /** A code of the failure table, where it was a gateway that refused. */
  readonly code?: string;
}

/** What comes of a request for a stream: its body, or why there is none. */
export type StreamAnswer = ReadableStream<Uint8Array> | StreamRefusal;

/** What a client is told whose connection breaks without a word (RFC 6455 §7.1.5). */
export const BROKEN: StreamRefusal = { close: 1006, reason: '' };

/** The close codes for what has none of its own, by what to do then: forbidden, unauthorized, backend unavailable. */
const CLOSE_BY_RETRY = { no: 3003, 'new-token': 3000, yes: 4012 } as const;

/** Asks for a stream. Never rejects: what cannot be reached is a refusal, too. */
export async function askForStream(
  request: StreamRequest,
  ask: typeof fetch,
): Promise<StreamAnswer> {
  try {
    const answer = await ask(targetOf(request), {
      headers: headersOf(request),
      // The auth cookie belongs to a CSRF token. Beside anything else it would be one credential too many.
      credentials: request.credential?.kind === 'csrf' ? 'include' : 'omit',
      signal: request.signal,
    });
    const { body, status } = answer;
    const type = answer.headers.get('Content-Type') ?? '';
    if (status === 200 && type.startsWith(EVENT_STREAM) && body !== null) return body;
    return refusalOf(await answer.json());
  } catch {
    // Not there, aborted, or the page of a proxy.
    return BROKEN;
  }
}

/** What a refused request stands for, by the problem that it was answered with. */
export function refusalOf(problem: unknown): StreamRefusal {
  const { type, title, retry }: Readonly<Record<string, unknown>> = Object(problem);
  if (typeof type !== 'string' || !type.startsWith(PROBLEM_TYPE)) return BROKEN;

  const reason = String(title);
  const known = failureOfClose(0, reason)?.row.close;
  const close = known ?? CLOSE_BY_RETRY[retry === 'no' || retry === 'new-token' ? retry : 'yes'];
  return { close, reason, code: type.slice(PROBLEM_TYPE.length) };
}

function targetOf({ url, credential, channels, from }: StreamRequest): string {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]));
  if (from !== undefined) query.set('from', from);
  if (credential !== undefined && credential.kind !== 'bearer')
    query.set(credential.kind, credential.token);
  return `${url}?${query}`;
}

function headersOf({ credential }: StreamRequest): Readonly<Record<string, string>> {
  return {
    Accept: EVENT_STREAM,
    ...(credential?.kind === 'bearer' ? { Authorization: `Bearer ${credential.token}` } : {}),
  };
}
