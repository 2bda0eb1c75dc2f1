import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import { COOKIE_NAME, cookiesWithout, DEV_COOKIE_NAME, findCookie } from '../auth/auth-cookie.ts';
import { LONGEST_LIFE_SECONDS } from '../auth/claims.ts';
import { asObject, own } from '../auth/decode.ts';
import type { Claims, Verify } from '../auth/verify.ts';
import type { Log } from '../observe/log.ts';
import type { AskHook } from './auth-hook.ts';
import { headerLines } from './header-lines.ts';
import { inTime } from './in-time.ts';
import { onceASecond } from './once-a-second.ts';
import type { Headers } from './problem.ts';
import type { Refusal } from './refuse.ts';

/** An embedding program's own word on who sends a request; `undefined`: nobody that it knows. */
export type Authenticate = (
  request: IncomingMessage,
) => Claims | undefined | Promise<Claims | undefined>;

/** What may tell who a user is: all that there is, or the Authorization header alone. */
export type Evidence = 'any' | 'authorization';

/** Who a user is, in the words of the site. */
export type Authenticator = (
  request: IncomingMessage,
  evidence: Evidence,
) => Promise<{ readonly claims: Claims } | Refusal>;

/** What recognises users. The first of the program, the hook, and tokens that is there is alone. */
export interface AuthenticatorOptions {
  readonly authenticate: Authenticate | undefined;
  readonly askHook: AskHook | undefined;
  readonly verify: Verify;
  /** The cookie in which the site keeps its token; undefined: none. */
  readonly siteCookie: string | undefined;
  /** UNIX seconds. */
  readonly now: () => number;
  readonly log: Log;
}

const NOBODY: Refusal = { failure: failures.unauthorized };

/** Builds what recognises users. What is no good never falls through to the next way. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { authenticate, askHook, now, log } = options;
  const sayHookFailed = onceASecond((more, problem: string) =>
    log('auth_hook_failed', { problem, ...(more > 0 ? { more } : {}) }),
  );

  // Who is asked anew each time, and does not say since when, vouches for this very moment.
  const vouched = (claims: Claims) => ({ claims: { iat: now(), ...claims } });

  const byProgram = async (ask: Authenticate, request: IncomingMessage) => {
    try {
      const said = await inTime(() => ask(request));
      if (said === undefined) return NOBODY;
      const claims = asObject(said);
      if (claims === undefined || !isBounded(claims, now())) throw new TypeError(NO_CLAIMS);
      return vouched(claims);
    } catch (error) {
      log('authenticate_failed', { error });
      return { failure: failures.internal };
    }
  };

  const byHook = async (ask: AskHook, headers: Headers) => {
    // Without either there is nothing by which a backend could know anybody.
    if (Object.keys(headers).length === 0) return NOBODY;
    const said = await ask(headers);
    if (said === 'unknown') return NOBODY;
    if ('claims' in said && isBounded(said.claims, now())) return vouched(said.claims);
    sayHookFailed('problem' in said ? said.problem : NO_CLAIMS);
    return { failure: failures.backendUnavailable };
  };

  return async (request, evidence) => {
    const [authorization, ...others] = headerLines(request.rawHeaders, 'authorization');
    if (others.length > 0) return { failure: failures.badMessage, code: 'credential_ambiguous' };
    if (evidence === 'authorization' && authorization === undefined) return NOBODY;
    if (authenticate !== undefined) return byProgram(authenticate, request);
    if (askHook !== undefined) return byHook(askHook, forwarded(request, evidence));
    const token = bearerIn(authorization) ?? siteToken(request, evidence, options);
    return typeof token === 'string' ? byToken(token, options) : token;
  };
}

const NO_CLAIMS =
  'expected an object of claims, whose exp, if any, is in seconds and at most ten years ahead';

/** What `exp` would have to be, if it is there. */
function isBounded(claims: Claims, nowSeconds: number): boolean {
  const exp = own(claims, 'exp');
  if (exp === undefined) return true;
  return Number.isFinite(exp) && Number(exp) <= nowSeconds + LONGEST_LIFE_SECONDS;
}

/** What no backend of the site is shown. */
const OWN_COOKIES = [COOKIE_NAME, DEV_COOKIE_NAME];

/** What a backend is shown. */
function forwarded({ rawHeaders }: IncomingMessage, evidence: Evidence): Headers {
  const [authorization] = headerLines(rawHeaders, 'authorization');
  const cookie = evidence === 'any' ? cookiesWithout(rawHeaders, OWN_COOKIES) : undefined;
  return {
    ...(authorization === undefined ? {} : { Authorization: authorization }),
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  };
}

/** The token of an Authorization header; undefined: there is none, or it is of another scheme. */
function bearerIn(authorization: string | undefined): string | undefined {
  const [scheme, token] = /^(Bearer)(?: +(.*))?$/i.exec(authorization ?? '')?.slice(1) ?? [];
  // Without a token it is still the way that was chosen.
  return scheme === undefined ? undefined : (token ?? '');
}

/** The token in the site's cookie. Twice there, one may have been put there by a neighbour of the site. */
function siteToken(
  { rawHeaders }: IncomingMessage,
  evidence: Evidence,
  { siteCookie }: AuthenticatorOptions,
): string | Refusal {
  if (evidence === 'authorization' || siteCookie === undefined) return NOBODY;
  const cookie = findCookie(rawHeaders, siteCookie);
  if (cookie === 'ambiguous') return { failure: failures.badMessage, code: 'cookie_ambiguous' };
  return cookie === 'missing' ? NOBODY : cookie.value;
}

async function byToken(token: string, { verify, now }: AuthenticatorOptions) {
  const verification = await verify(token, now());
  if (!('problem' in verification)) return { claims: verification.claims };
  const { problem, signed } = verification;
  return { failure: failures[problem.failure], claims: signed };
}
