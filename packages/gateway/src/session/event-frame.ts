import { encodeMessage, failures } from '@postern/client/protocol';
import type { StreamMessage } from '@postern/client/protocol';
import type { Closing } from './session.ts';

/** A line that means nothing, and keeps a connection from being taken for dead. */
export const COMMENT = Buffer.from(':\n\n');

/** What an event may carry beside its message. */
interface EventFields {
  /** The cursor up to which the client has been told all, once it has read this. */
  readonly id?: string | undefined;
  /** Milliseconds after which a browser comes back that was cut off. */
  readonly retry?: number;
}

/** One message of a stream as the bytes of an event (HTML §9.2): built once, written to any number of sockets. */
export function eventFrame(message: StreamMessage, fields: EventFields = {}): Buffer {
  return textEvent(message.type, encodeMessage(message), fields);
}

/** The same of a message whose JSON is there already. In JSON no line breaks: one would end the field. */
export function textEvent(type: StreamMessage['type'], json: string, fields: EventFields): Buffer {
  const { id, retry } = fields;
  return bytesOf([
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event: ${type}`,
    `data: ${json}`,
  ]);
}

/** Tells up to where the client has been told all. Without data it is no event, and a page sees nothing of it. */
export function markFrame(id: string): Buffer {
  return bytesOf([`id: ${id}`]);
}

/** What a stream ends with: why, and what to do then. */
export function lastEvent(failure: Closing): Buffer {
  const type = failure.close === failures.tokenExpired.close ? 'expired' : 'closed';
  const { close: code, reason, retry } = failure;
  return eventFrame({ type, code, reason, retry });
}

function bytesOf(lines: readonly string[]): Buffer {
  const text = `${lines.join('\n')}\n\n`;
  // Not out of Node's pool: a small frame that waits for a slow reader would keep 8 KB alive.
  const frame = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  frame.write(text);
  return frame;
}
