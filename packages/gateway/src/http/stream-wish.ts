import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import { isNameable } from '../auth/channel-rules.ts';
import { NOT_NAMEABLE } from '../session/reply.ts';
import type { LateRefusal } from './refuse.ts';

/** What a request for a stream asks for. */
export interface StreamWish {
  /** At least one, and each once. */
  readonly channels: readonly string[];
  /** What came after this cursor is wanted, too. */
  readonly from: string | undefined;
}

/** Reads it. At most so many channels may be asked for; 0: any number. */
export function streamWish(
  { url = '', headers }: IncomingMessage,
  mostChannels: number,
): StreamWish | LateRefusal {
  const text = url.split('?').slice(1).join('?');
  if (!isDecodable(text)) return bad('The query is not percent-encoded UTF-8');
  const query = new URLSearchParams(text);
  const channels = [...new Set(query.getAll('channel'))];
  if (channels.length === 0) return bad('The query names no channel');
  if (mostChannels > 0 && channels.length > mostChannels)
    return { failure: failures.connectionLimit, code: 'subscription_limit' };
  if (!channels.every(isNameable)) return bad(NOT_NAMEABLE);

  const [from, ...more] = query.getAll('from');
  if (from === '' || more.length > 0)
    return bad('The query has one cursor at most, and no empty one');
  // What a browser adds by itself when it comes back is later than what the page said at first.
  return { channels, from: lastEventId(headers['last-event-id']) ?? from };
}

/** A browser that knows of none sends no line; other clients may send an empty one. */
function lastEventId(header: string | string[] | undefined): string | undefined {
  return header === undefined || header === '' ? undefined : String(header);
}

/** Otherwise what cannot be read would silently become the name of something else. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function bad(problem: string): LateRefusal {
  const { reason } = failures.badMessage;
  return { failure: failures.badMessage, text: `${reason}: ${problem}` };
}
