import { encodeMessage } from '@postern/client/protocol';
import type { GatewayMessage } from '@postern/client/protocol';

/** Final text frame, unmasked, as a server sends it (RFC 6455 §5.2). */
const FINAL_TEXT = 0x81;

/**
 * One text message as the bytes of one frame: built once, written to any number of sockets. The
 * `ws` library would build a header for each of them.
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  // Not out of Node's pool: a small frame that waits for a slow reader would keep 8 KB alive.
  const frame = Buffer.allocUnsafeSlow(headerLength + length);

  frame[0] = FINAL_TEXT;
  if (headerLength === 2) frame[1] = length;
  else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}

/** One message of `postern.v1` as the bytes of one frame. */
export function messageFrame(message: GatewayMessage): Buffer {
  return textFrame(encodeMessage(message));
}
