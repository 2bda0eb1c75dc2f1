import type { Addresses } from './address.ts';
import type { Answer } from './answer.ts';
import type { CredentialSource } from './credentials.ts';
import { PosternError, trouble } from './errors.ts';
import { SUBPROTOCOL } from './protocol/subprotocol.ts';
import { singleFlight } from './single-flight.ts';

/** One that ends sooner is not used for another connection, in milliseconds. */
const TOO_SOON_MS = 10_000;

/** What a token is wanted for. */
export interface TokenWish {
  /** `connect`: there is none yet, or the last one did not hold; `renew`: the last one ends soon. */
  readonly reason: 'connect' | 'renew';
}

/** Gets a token; an empty one says that nobody is logged in. */
export type AskToken = (wish: TokenWish, answer: Answer<string>) => void;

/** Bearers, one for as many connections as it lasts for: a gateway that restarts sends nobody to the issuer. */
export function tokenSource({ socket }: Addresses, ask: AskToken): CredentialSource {
  let kept: string | undefined;
  let endsAtMs = Infinity;
  let reason: TokenWish['reason'] = 'connect';

  const fetchToken = singleFlight<string>((answer) =>
    ask({ reason }, (token) => {
      if (token instanceof PosternError) return answer(token);
      if (token === '') return answer(trouble('no_token'));
      kept = token;
      endsAtMs = Infinity;
      answer(token);
    }),
  );

  return {
    get: (answer) => {
      const use: Answer<string> = (token) =>
        answer(
          token instanceof PosternError ? token : { url: socket, protocols: [SUBPROTOCOL], token },
        );
      reason = 'connect';
      if (kept !== undefined && endsAtMs - Date.now() > TOO_SOON_MS) use(kept);
      else fetchToken(use);
    },
    renew: (_session, answer) => {
      reason = 'renew';
      fetchToken(answer);
    },
    endsAt: (ms) => {
      endsAtMs = ms;
    },
  };
}
