import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { decodeUtf8 } from './decode.ts';

/** What an https URL was answered with. */
export interface HttpsText {
  readonly text: string;
  /** What `Cache-Control` allows; `undefined`: it says nothing. */
  readonly maxAgeMs: number | undefined;
}

/** Gets a text. Rejects, with few constant words or an error code, for every answer but a good one. */
export type GetText = (url: URL, signal: AbortSignal) => Promise<HttpsText>;

/** Room for hundreds of keys; what is longer is something else. */
const LONGEST_BYTES = 512 * 1024;

/**
 * Gets a text by https, on a connection of its own. No redirect is followed: it could lead anywhere.
 * The body is counted as it arrives, since nothing obliges it to be as long as it says.
 */
export const httpsText: GetText = async (url, signal) => {
  const response = await answerTo(url, signal);
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) {
    response.destroy();
    const isRedirect = statusCode >= 300 && statusCode < 400;
    throw new Error(`status ${statusCode}${isRedirect ? ': redirects are not followed' : ''}`);
  }
  return { text: await bodyOf(response), maxAgeMs: maxAgeMs(headers['cache-control']) };
};

function answerTo(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  // Compressed, a few bytes could stand for very many.
  const headers = { Accept: 'application/json', 'Accept-Encoding': 'identity' };
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers, signal }, resolve).on('error', reject);
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const body: AsyncIterable<Buffer> = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // Leaving the loop by an error ends the connection.
    if (bytes > LONGEST_BYTES) throw new Error(`longer than ${LONGEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = decodeUtf8(Buffer.concat(chunks));
  if (text === undefined) throw new Error('not UTF-8');
  return text;
}

function maxAgeMs(cacheControl: string | undefined): number | undefined {
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
