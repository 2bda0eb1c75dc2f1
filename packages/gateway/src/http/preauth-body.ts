import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import { decodeUtf8, own, parseObject } from '../auth/decode.ts';
import { isWantable } from '../auth/scopes.ts';
import { bodyAtMost } from './bounded-body.ts';
import type { Refusal } from './refuse.ts';

/** What a page asks for. */
export interface PreauthWish {
  /** The entries that it narrows itself to; undefined: all that the login may. */
  readonly channels: readonly string[] | undefined;
  /** Whether it wants an embed token, in place of cookie and CSRF token. */
  readonly embed: boolean;
  /** The session that it wants to go on; undefined: it wants to connect. */
  readonly session: string | undefined;
}

/** The longest body, in bytes. */
const LONGEST_BODY = 4096;

/** How long a body may take: its page waits, and a connection is held. */
const BODY_MS = 5_000;

const MALFORMED: Refusal = { failure: failures.badMessage };
const TOO_LONG: Refusal = { failure: failures.contentTooLarge };

/**
 * Reads what a page asks for: an empty body, or a JSON object whose other fields are ignored. Rejects
 * when somebody else has read the body: what a page narrowed itself to must not be lost in silence.
 */
export async function readPreauthBody(
  request: IncomingMessage,
  bodyMs = BODY_MS,
): Promise<PreauthWish | Refusal> {
  if (request.readableDidRead)
    throw new Error('The body was read before it came to the gateway: put body parsers after it');
  // What says so itself need not be waited for.
  if (Number(request.headers['content-length'] ?? 0) > LONGEST_BODY) return TOO_LONG;

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), bodyMs);
  });
  const body = await Promise.race([bodyAtMost(request, LONGEST_BODY), late]);
  clearTimeout(timer);
  if (body === 'late') return { failure: failures.timeout };
  if ('problem' in body) return body.problem === 'tooLong' ? TOO_LONG : MALFORMED;
  return wishIn(body.bytes) ?? MALFORMED;
}

function wishIn(bytes: Buffer): PreauthWish | undefined {
  if (bytes.length === 0) return { channels: undefined, embed: false, session: undefined };
  const object = parseObject(decodeUtf8(bytes) ?? '');
  if (object === undefined) return undefined;

  const [channels, embed, session] = ['channels', 'embed', 'session'].map((name) =>
    own(object, name),
  );
  if (!isEntries(channels)) return undefined;
  if (embed !== undefined && typeof embed !== 'boolean') return undefined;
  if (session !== undefined && (typeof session !== 'string' || session === '')) return undefined;
  return { channels, embed: embed === true, session };
}

function isEntries(value: unknown): value is readonly string[] | undefined {
  if (value === undefined) return true;
  return (
    Array.isArray(value) && value.every((entry) => typeof entry === 'string' && isWantable(entry))
  );
}
