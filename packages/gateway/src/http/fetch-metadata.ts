import type { IncomingHttpHeaders } from 'node:http';

/** The values that each header of Fetch Metadata may have; undefined: any. */
interface FetchRule {
  readonly mode: readonly string[];
  readonly dest: readonly string[];
  readonly site: readonly string[] | undefined;
}

const fetched = { mode: ['cors', 'same-origin'], dest: ['empty'] } as const;
const handshake = { mode: ['websocket'], dest: ['websocket', 'empty'] } as const;
const oneSite = ['same-origin', 'same-site'] as const;

/** What browsers say of a request that a page of ours makes, by what it is for. */
const rules = {
  preauth: { ...fetched, site: oneSite },
  preauthEmbed: { ...fetched, site: [...oneSite, 'cross-site'] },
  streamWithCookie: { ...fetched, site: oneSite },
  stream: { ...fetched, site: undefined },
  handshakeWithCookie: { ...handshake, site: oneSite },
  handshake: { ...handshake, site: undefined },
} as const satisfies Record<string, FetchRule>;

/** What a request is for. */
export type FetchPurpose = keyof typeof rules;

/**
 * Whether the `Sec-Fetch-…` headers are those of such a request. Scripts cannot set them, and not every
 * browser sends them: each is held against the table when it is there.
 */
export function isFetchAllowed(headers: IncomingHttpHeaders, purpose: FetchPurpose): boolean {
  const { mode, dest, site }: FetchRule = rules[purpose];
  return (
    isOneOf(mode, headers['sec-fetch-mode']) &&
    isOneOf(dest, headers['sec-fetch-dest']) &&
    isOneOf(site, headers['sec-fetch-site'])
  );
}

/** Two lines of one name come joined, and are none of the values. */
function isOneOf(values: readonly string[] | undefined, header: string | string[] | undefined) {
  if (values === undefined || header === undefined) return true;
  return typeof header === 'string' && values.includes(header);
}
