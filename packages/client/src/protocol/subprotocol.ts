/** The name under which the protocol is offered, and the only one that the gateway ever answers. */
export const SUBPROTOCOL = 'postern.v1';

/** The kinds of credentials that can ride among the offers, and the text that comes before each. */
const kinds = [
  { kind: 'bearer', prefix: 'postern.bearer.' },
  { kind: 'csrf', prefix: 'postern.csrf.' },
  { kind: 'embed', prefix: 'postern.embed.' },
] as const;

/** A credential that was offered as if it were a subprotocol: browsers can set no other header. */
export interface OfferedCredential {
  readonly kind: (typeof kinds)[number]['kind'];
  /** As it stands, not verified; it may be empty. */
  readonly token: string;
}

/** What a handshake offers in `Sec-WebSocket-Protocol`. */
export interface Offers {
  /** Whether the client speaks `postern.v1`. */
  readonly speaksV1: boolean;
  /** Each credential among them. More than one way in is for the door to refuse. */
  readonly credentials: readonly OfferedCredential[];
}

/** One name of the list, a token of RFC 9110 §5.6.2, with the blanks around it. */
const LISTED = /^[ \t]*([\w!#$%&'*+\-.^`|~]+)[ \t]*$/;

/**
 * Reads every line of the header, none if there is none. `undefined` when they are no list of names,
 * each once over all the lines (RFC 6455 §4.1). Names of other protocols are left aside, upper case counts.
 */
export function parseOffers(lines: readonly string[]): Offers | undefined {
  const names: string[] = [];
  for (const part of lines.flatMap((line) => line.split(','))) {
    const name = LISTED.exec(part)?.[1];
    if (name === undefined) return undefined;
    names.push(name);
  }
  if (new Set(names).size !== names.length) return undefined;

  return { speaksV1: names.includes(SUBPROTOCOL), credentials: names.flatMap(credentialsIn) };
}

/** The credential that a name is; none, for most. */
function credentialsIn(name: string): readonly OfferedCredential[] {
  return kinds
    .filter(({ prefix }) => name.startsWith(prefix))
    .map(({ kind, prefix }) => ({ kind, token: name.slice(prefix.length) }));
}
