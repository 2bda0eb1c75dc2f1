import type { IncomingMessage, ServerResponse } from 'node:http';
import { failures } from '@postern/client/protocol';
import type { OriginFailure, Whence } from '../auth/origins.ts';
import type { SseVisitor } from '../session/admission.ts';
import type { Brought, CredentialGate } from './credentials.ts';
import { broughtIn, cleared, identified, originFailures } from './credentials.ts';
import { shut } from './examine.ts';
import { isFetchAllowed } from './fetch-metadata.ts';
import { hasBody, hasRepeatedHeader } from './handshake.ts';
import type { LateRefusal, Refusal } from './refuse.ts';
import type { StreamWish } from './stream-wish.ts';
import { streamWish } from './stream-wish.ts';

/** What a request for a stream is held against. */
export interface SseGate extends CredentialGate {
  readonly options: CredentialGate['options'] & {
    /** Most channels of a stream; 0: no limit. */
    readonly subscriptionsPerSession: number;
  };
}

/** Somebody who asks for a stream. */
export interface StreamRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whose request it is, behind proxies too. */
  readonly address: string;
}

/** Somebody who may have one, or not; or a browser that asks first what a page may send. */
export type StreamOutcome = SseVisitor | Refusal | { readonly preflight: Whence };

/** What a request shows, and where it comes from. */
export interface Shown {
  readonly brought: Brought;
  readonly whence: Whence | OriginFailure;
}

/** What a request for a stream shows. Nothing is verified. */
export function shownIn(request: IncomingMessage, gate: SseGate): Shown {
  const brought = broughtIn(request, [], gate);
  return { brought, whence: gate.originOf(request.rawHeaders, brought.by) };
}

/**
 * Whether somebody may have a stream. The order is that of docs/protocol.md, which is that of handshakes:
 * who comes from a foreign page learns that, and nothing of what it brought.
 */
export async function examineSse(
  stream: StreamRequest,
  { brought, whence }: Shown,
  gate: SseGate,
): Promise<StreamOutcome> {
  const { request, response, address } = stream;
  const refusal = unfit(request) ?? shut(gate);
  if (refusal !== undefined) return refusal;
  if (!gate.hostAllowed(request.headers.host)) return { failure: failures.hostDenied };
  if (typeof whence === 'string') return { failure: originFailures[whence] };
  if (request.method === 'OPTIONS') return { preflight: whence };
  const purpose = brought.by === 'browser' ? 'streamWithCookie' : 'stream';
  if (!isFetchAllowed(request.headers, purpose)) return { failure: failures.fetchDenied };
  const tooMany = gate.turnstile.knock(address, response);
  if (tooMany !== undefined) return tooMany;

  const wish = streamWish(request, gate.options.subscriptionsPerSession);
  if ('failure' in wish) return wish;
  return enter(stream, { brought, origin: whence.origin, wish }, gate);
}

/** What no stream can be the answer to. */
function unfit(request: IncomingMessage): Refusal | undefined {
  if (request.method !== 'GET' && request.method !== 'OPTIONS')
    return { failure: failures.methodNotAllowed, headers: { Allow: 'GET, OPTIONS' } };
  if (request.httpVersion !== '1.1') return bad('HTTP/1.1 is required');
  if (hasRepeatedHeader(request.rawHeaders)) return bad('A header is repeated');
  return hasBody(request) ? bad('A request for a stream has no body') : undefined;
}

function bad(problem: string): Refusal {
  const { reason } = failures.badMessage;
  return { failure: failures.badMessage, text: `${reason}: ${problem}` };
}

/** What somebody brought, from which page, and what for. */
interface Errand {
  readonly brought: Brought;
  readonly origin: string | undefined;
  readonly wish: StreamWish;
}

async function enter(
  { request, response, address }: StreamRequest,
  { brought, origin, wish: { channels, from } }: Errand,
  gate: SseGate,
): Promise<SseVisitor | LateRefusal> {
  const entering = await identified(brought, origin, gate);
  if (entering === undefined) return { failure: failures.unauthorized };
  if ('failure' in entering) return entering;

  const { claims, expiresAt, authExpiresAt } = entering.login;
  const outcome = await cleared(
    entering,
    {
      request,
      stream: response,
      objectTo: ({ modeOf }) =>
        channels.every((channel) => modeOf(channel).read)
          ? undefined
          : { failure: failures.forbidden, code: 'scope_denied', claims },
    },
    gate,
  );
  if ('failure' in outcome) return outcome;
  return { protocol: 'sse', claims, expiresAt, authExpiresAt, grant: { channels }, address, from };
}
