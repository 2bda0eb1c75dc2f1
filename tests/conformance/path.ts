import { signToken } from '../support/tokens.ts';

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** The path of the raw protocol, with a token that the secret of the tests signs. */
export async function pathOf(claims: Claims, pathChannel?: string): Promise<string> {
  const token = await signToken(claims);
  return pathChannel === undefined ? `/${token}` : `/${encodeURIComponent(pathChannel)}/${token}`;
}
