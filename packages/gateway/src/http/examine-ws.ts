import { failures, parseOffers } from '@postern/client/protocol';
import type { V1Visitor } from '../session/admission.ts';
import type { Brought, CredentialGate, Entering } from './credentials.ts';
import {
  broughtIn,
  cleared,
  identified,
  identifiedByBearer,
  originFailures,
} from './credentials.ts';
import type { Examine, Knock, Outcome } from './examine.ts';
import { isFetchAllowed } from './fetch-metadata.ts';
import { headerLines } from './header-lines.ts';
import { refreshBy } from './refresh.ts';
import type { LateRefusal, Refusal } from './refuse.ts';

/**
 * Builds the guards of `postern.v1`. Their order is that of docs/protocol.md: who comes from a foreign
 * page learns that, and nothing of what it brought.
 */
export function createWsExamination(gate: CredentialGate): Examine {
  return async (knock) => {
    const { request, stream, address } = knock;
    const { rawHeaders, headers } = request;
    const offers = parseOffers(headerLines(rawHeaders, 'sec-websocket-protocol'));
    if (offers === undefined || !offers.speaksV1) return NOT_OFFERED;

    const brought = broughtIn(request, offers.credentials, gate);
    const { by } = brought;
    const whence = gate.originOf(rawHeaders, by);
    if (typeof whence === 'string') return { failure: originFailures[whence] };
    if (!isFetchAllowed(headers, by === 'browser' ? 'handshakeWithCookie' : 'handshake'))
      return { failure: failures.fetchDenied };
    const tooMany = gate.turnstile.knock(address, stream);
    if (tooMany !== undefined) return tooMany;

    const outcome = await examineCredential(knock, { ...brought, origin: whence.origin }, gate);
    return 'failure' in outcome ? { late: explained(outcome) } : outcome;
  };
}

const NOT_OFFERED: Refusal = {
  failure: failures.badHandshake,
  text: `${failures.badHandshake.reason}: Sec-WebSocket-Protocol must offer postern.v1`,
};

async function examineCredential(
  knock: Knock,
  { origin, ...brought }: Brought & { readonly origin: string | undefined },
  gate: CredentialGate,
): Promise<Exclude<Outcome, Refusal> | LateRefusal> {
  const known = await identified(brought, origin, gate);
  if (known !== undefined) return 'failure' in known ? known : enter(known, knock, gate);
  return {
    identify: async (token) => {
      const later = await identifiedByBearer(token, gate);
      return 'failure' in later ? later : enter(later, knock, gate);
    },
  };
}

async function enter(
  entering: Entering,
  knock: Knock,
  gate: CredentialGate,
): Promise<V1Visitor | LateRefusal> {
  const outcome = await cleared(entering, knock, gate);
  if ('failure' in outcome) return outcome;
  const { claims, expiresAt, authExpiresAt } = entering.login;
  const refresh = refreshBy(entering.way, outcome.objection, gate);
  const { grant } = outcome;
  return {
    protocol: 'v1',
    claims,
    expiresAt,
    authExpiresAt,
    grant,
    address: knock.address,
    refresh,
  };
}

/** Whoever comes from a page of ours is told which part was wrong. */
function explained(refusal: LateRefusal): LateRefusal {
  const { failure, code = failure.code ?? '', text = `${failure.reason}: ${code}` } = refusal;
  return { ...refusal, text };
}
