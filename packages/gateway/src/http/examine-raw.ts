import { failures } from '@postern/client/protocol';
import { pathCredential } from '../auth/credential.ts';
import { grantFrom } from '../auth/grant.ts';
import type { GrantRules } from '../auth/grant.ts';
import { rawStatus, tokenProblems } from '../auth/problems.ts';
import type { TokenProblem } from '../auth/problems.ts';
import type { Claims, Verify } from '../auth/verify.ts';
import type { Examine, Guard } from './examine.ts';
import { shut, turnedDown } from './examine.ts';
import type { LateRefusal, Refusal } from './refuse.ts';

/** What a raw handshake is held against. */
export interface RawGate extends Guard {
  readonly originAllowed: (origin: string | undefined) => boolean;
  readonly verify: Verify;
  /** UNIX seconds. */
  readonly now: () => number;
  readonly grantRules: GrantRules;
}

/** Builds the guards of the raw protocol, whose token stands in the path. */
export function createRawExamination(gate: RawGate): Examine {
  return async ({ request, stream, path, address }) => {
    if (!gate.originAllowed(request.headers.origin)) return { failure: failures.originDenied };
    const tooMany = gate.turnstile.knock(address, stream);
    if (tooMany !== undefined) return tooMany;

    const credential = pathCredential(path);
    if (credential === undefined) return NO_CREDENTIAL;
    const verification = await gate.verify(credential.token, gate.now());
    if ('problem' in verification) return refusalFor(verification.problem, verification.signed);
    const { claims, expiresAt } = verification;
    const revoked = revokedIn(claims, gate);
    if (revoked !== undefined) return revoked;
    const granted = grantFrom(claims, { pathChannel: credential.channel, ...gate.grantRules });
    if ('problem' in granted) return refusalFor(granted.problem, claims);

    // The gate may have closed while the signature was verified. A token that ended meanwhile needs no
    // second look: its session is cut off before the first frame, either way.
    const { grant } = granted;
    const denied = refusalFor(tokenProblems.noChannels, claims);
    const no =
      shut(gate) ??
      (await turnedDown({ request, claims, ...grant }, gate, denied)) ??
      revokedIn(claims, gate) ??
      gate.turnstile.pass(claims, stream);
    return no ?? { protocol: 'raw', claims, expiresAt, grant, address };
  };
}

const NO_CREDENTIAL: Refusal = {
  failure: failures.badHandshake,
  text: `${failures.badHandshake.reason}: The path names no channel and token`,
};

/** With the status that all refusals of a token have there. */
function revokedIn(claims: Claims, { isRevoked }: Guard): LateRefusal | undefined {
  return isRevoked(claims) ? { failure: failures.revoked, status: 400, claims } : undefined;
}

/** The raw protocol answers with the original's status and text. */
function refusalFor(problem: TokenProblem, claims: Claims | undefined): LateRefusal {
  const { failure, raw: text } = problem;
  return { failure: failures[failure], status: rawStatus(problem), text, claims };
}
