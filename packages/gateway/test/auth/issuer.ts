import type { GetText, HttpsText } from '#gateway/auth/https-text.js';
import { KeyRing } from '#gateway/auth/key-ring.js';
import type { Verification } from '#gateway/auth/verify.js';
import { now, p256Pair, publicJwk, signToken, verifierWith } from './signing.ts';
import type { KeyPair } from './signing.ts';
import { TurnedTiming } from './turned-timing.ts';

/** An issuer whose answers a test decides, and a gate that fetches its keys from there. */
export class Issuer {
  readonly timing = new TurnedTiming();
  readonly events: { readonly event: string; readonly [field: string]: unknown }[] = [];
  /** What the gate was told of each fetch. */
  readonly outcomes: string[] = [];
  /** How it answers: a set, once it is asked. */
  answer: () => Promise<HttpsText> = () => Promise.reject(new Error('ECONNREFUSED'));
  fetches = 0;
  readonly ring: KeyRing;

  /** Not started: nothing is fetched yet. */
  constructor(given: { readonly jwtSecret?: string } = {}) {
    const getText: GetText = () => {
      this.fetches += 1;
      return this.answer();
    };
    this.ring = new KeyRing(
      { ...given, jwtSecretBase64: false, jwks: 'https://issuer.test/keys' },
      {
        getText,
        timing: this.timing,
        onFetch: (outcome) => void this.outcomes.push(outcome),
        log: (event, fields) => void this.events.push({ event, ...fields }),
      },
    );
  }

  /** From now on it publishes these. */
  publish(keys: readonly unknown[], maxAgeMs?: number): void {
    const text = JSON.stringify({ keys });
    this.answer = () => Promise.resolve({ text, maxAgeMs });
  }

  /** From now on it answers with this text. */
  say(text: string): void {
    this.answer = () => Promise.resolve({ text, maxAgeMs: undefined });
  }

  /** From now on nobody gets an answer, until `release` is called with one. */
  hang(): { release: (keys: readonly unknown[]) => void } {
    let settle: (answer: HttpsText) => void = () => undefined;
    const hanging = new Promise<HttpsText>((resolve) => (settle = resolve));
    this.answer = () => hanging;
    return {
      release: (keys) => settle({ text: JSON.stringify({ keys }), maxAgeMs: undefined }),
    };
  }

  async start(): Promise<void> {
    this.ring.start();
    await this.timing.pass(0);
  }

  /** What the gate says of a token that is signed with this key and names this kid. */
  knock(kid: string | undefined, pair: KeyPair = p256Pair): Promise<string> {
    const header = kid === undefined ? {} : { kid };
    const token = signToken({ algorithm: 'ES256', key: pair.privateKey, header });
    return verifierWith({ source: this.ring })(token, now).then(outcome);
  }

  named(event: string): readonly { readonly [field: string]: unknown }[] {
    return this.events.filter((entry) => entry.event === event);
  }
}

/** `in`, or the text of what is wrong. */
export function outcome(verification: Verification): string {
  return 'problem' in verification ? verification.problem.raw : 'in';
}

/** The key of these tests, published under this kid. */
export function published(kid: string, pair: KeyPair = p256Pair): object {
  return publicJwk(pair, { kid });
}
