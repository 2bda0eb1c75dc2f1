import type { Readable } from 'node:stream';

/** A body, or why there is none: it goes on for too long, or broke off. */
export type BoundedBody =
  { readonly bytes: Buffer } | { readonly problem: 'tooLong' | 'brokenOff' };

/**
 * Reads a body and counts it as it arrives: nothing obliges it to be as long as it says. One that is too
 * long is read no further; its stream stays open, so that it can be answered.
 */
export function bodyAtMost(stream: Readable, mostBytes: number): Promise<BoundedBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (body: BoundedBody): void => {
      stream.off('data', take);
      resolve(body);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= mostBytes) return;
      stream.pause();
      settle({ problem: 'tooLong' });
    };
    stream.on('data', take);
    stream.once('end', () => settle({ bytes: Buffer.concat(chunks) }));
    // After the end these change nothing any more.
    stream.once('error', () => settle({ problem: 'brokenOff' }));
    stream.once('close', () => settle({ problem: 'brokenOff' }));
  });
}
