import { grantFrom } from '../auth/grant.ts';
import type { Grant, GrantRules } from '../auth/grant.ts';
import { rawStatus, tokenProblems } from '../auth/problems.ts';
import type { TokenProblem } from '../auth/problems.ts';
import type { Verify } from '../auth/verify.ts';

/** The gate's own checks: an explanation never differs from what a handshake is answered. */
export interface Gate extends GrantRules {
  readonly verify: Verify;
}

/** The order in which a token is looked at; the first step that fails decides the answer. */
const steps = ['form', 'signature', 'claims', 'grant'] as const;

type Step = (typeof steps)[number];

/** How far a token comes, and what a handshake on the raw protocol is answered. */
export interface Explanation {
  readonly steps: readonly {
    readonly step: Step;
    readonly outcome: 'passed' | 'failed' | 'not reached';
  }[];
  readonly verdict:
    | { readonly status: 101; readonly grant: Grant; readonly expiresAt: number | undefined }
    | { readonly status: 400 | 503; readonly text: string };
}

/** What is asked about: a token, as if a handshake with it came at `nowSeconds` (UNIX time). */
export interface Question {
  readonly token: string;
  /** The channel in the path, decoded; `undefined`: the path has none. */
  readonly channel: string | undefined;
  readonly nowSeconds: number;
}

/** Takes a token through the gate without opening a connection. */
export async function explainToken(gate: Gate, question: Question): Promise<Explanation> {
  const { token, channel: pathChannel, nowSeconds } = question;
  const verified = await gate.verify(token, nowSeconds);
  if ('problem' in verified) return refusedAt(stepOf(verified.problem), verified.problem);

  const { claims, expiresAt } = verified;
  const granted = grantFrom(claims, { ...gate, pathChannel });
  if ('problem' in granted) return refusedAt('grant', granted.problem);

  return {
    steps: steps.map((step) => ({ step, outcome: 'passed' })),
    verdict: { status: 101, grant: granted.grant, expiresAt },
  };
}

function refusedAt(failed: Step, problem: TokenProblem): Explanation {
  const reached = steps.indexOf(failed);
  return {
    steps: steps.map((step, at) => {
      if (at === reached) return { step, outcome: 'failed' };
      return { step, outcome: at < reached ? 'passed' : 'not reached' };
    }),
    verdict: { status: rawStatus(problem), text: problem.raw },
  };
}

const signatureProblems: ReadonlySet<TokenProblem> = new Set([
  tokenProblems.unsigned,
  tokenProblems.badSignature,
  tokenProblems.keysUnavailable,
]);

/** The step to which a problem of the verifier's belongs. */
function stepOf(problem: TokenProblem): Step {
  if (signatureProblems.has(problem)) return 'signature';
  // A token that is not there at all is answered like one that says nothing.
  if (problem === tokenProblems.missingMode) return 'form';
  return problem.raw.startsWith('Error: JWSError') ? 'form' : 'claims';
}
