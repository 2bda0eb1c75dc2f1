import { APP, FRAME, SITE_CLAIMS } from './preauth.ts';
import { signToken } from './tokens.ts';
import { BEARER, cookieOf, csrfOf, embedOf, FOREIGN_KEYS, malleated } from './ws-attacks.ts';

/** A credential that is what it says it is. */
export interface Genuine {
  readonly kind: 'cookie' | 'csrf' | 'embed' | 'bearer';
  readonly who: 'ada' | 'eve';
  /** The page that it was made for; undefined: any. */
  readonly origin: string | undefined;
}

/** Every credential at hand, right or wrong, and which of them are right. */
export interface Arsenal {
  readonly cookie: string;
  readonly csrf: string;
  readonly bearer: string;
  /** What makes good handshakes bad that are right in all else. */
  readonly csrfOfEve: string;
  readonly csrfOfFrame: string;
  readonly foreignCsrf: string;
  readonly spentEmbed: string;
  /** One that nobody has used; asked for, it is another each time. */
  readonly freshEmbed: () => string;
  /** What may stand where another one stood. */
  readonly others: readonly string[];
  /** `undefined`: nothing that is to open anything. */
  readonly genuine: (token: string) => Genuine | undefined;
}

const EVE = { login: { sub: 'eve' } } as const;
const BEARER_OF_EVE = await signToken({ ...SITE_CLAIMS, sub: 'eve' });
const FOREIGN_BEARER = await signToken(SITE_CLAIMS, { key: 'another-secret-of-thirty-two-bytes' });
const OLD_BEARER = await signToken({ ...SITE_CLAIMS, exp: 1_700_000_000 });

/** Makes an arsenal that counts for half a minute. The embed token has opened its socket already. */
export function makeArsenal(spentEmbed: string): Arsenal {
  const valueOf = (line: string): string => line.slice(line.indexOf('=') + 1);
  const cookie = valueOf(cookieOf());
  const csrf = csrfOf();
  const csrfOfEve = csrfOf(EVE);
  const foreignCsrf = csrfOf({ keys: FOREIGN_KEYS });
  const csrfOfFrame = csrfOf({ origin: FRAME });
  const known = new Map<string, Genuine>([
    [cookie, { kind: 'cookie', who: 'ada', origin: undefined }],
    [csrf, { kind: 'csrf', who: 'ada', origin: APP }],
    [BEARER, { kind: 'bearer', who: 'ada', origin: undefined }],
    [csrfOf(), { kind: 'csrf', who: 'ada', origin: APP }],
    [csrfOfFrame, { kind: 'csrf', who: 'ada', origin: FRAME }],
    [csrfOfEve, { kind: 'csrf', who: 'eve', origin: APP }],
    [valueOf(cookieOf(EVE)), { kind: 'cookie', who: 'eve', origin: undefined }],
    [embedOf({ origin: APP }), { kind: 'embed', who: 'ada', origin: APP }],
    [BEARER_OF_EVE, { kind: 'bearer', who: 'eve', origin: undefined }],
  ]);
  const worthless = [
    foreignCsrf,
    valueOf(cookieOf({ keys: FOREIGN_KEYS })),
    embedOf({ keys: FOREIGN_KEYS }),
    csrfOf({ at: -60 }),
    valueOf(cookieOf({ at: -60 })),
    csrfOf({ at: 60 }),
    malleated(csrf),
    malleated(cookie),
    malleated(BEARER),
    FOREIGN_BEARER,
    OLD_BEARER,
    spentEmbed,
    '',
    'a.b.c',
    'x'.repeat(9_000),
  ];
  const freshEmbed = (): string => {
    const token = embedOf();
    known.set(token, { kind: 'embed', who: 'ada', origin: FRAME });
    return token;
  };
  return {
    cookie,
    csrf,
    bearer: BEARER,
    csrfOfEve,
    csrfOfFrame,
    foreignCsrf,
    spentEmbed,
    freshEmbed,
    others: [...known.keys(), ...worthless],
    genuine: (token) => known.get(token),
  };
}
