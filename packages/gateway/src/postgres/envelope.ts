import { DeliveryClock } from './delivery-clock.ts';
import { sortedMembers } from './sorted-json.ts';

/** `NOTIFY` takes fewer than 8,000 bytes (`NOTIFY_PAYLOAD_MAX_LENGTH`), whatever is configured. */
export const LONGEST_NOTIFICATION_BYTES = 7_999;

/** The longest text that is carried at all: what `NOTIFY` does not take lies in `postern.payload` meanwhile. */
export const LONGEST_ENVELOPE_BYTES = 1_048_576;

/** Whether `NOTIFY` can carry this text. */
export function fitsNotification(text: string): boolean {
  // No character takes more than three bytes per UTF-16 unit: most texts need not be counted.
  if (text.length * 3 <= LONGEST_NOTIFICATION_BYTES) return true;
  return Buffer.byteLength(text) <= LONGEST_NOTIFICATION_BYTES;
}

/** What a notification says. */
export interface Notification {
  readonly channel: string;
  /** The `sub` in the claims of an envelope: who sent it. */
  readonly sub: string | undefined;
  /** What subscribers are told on `postern.v1`. Made when it is asked for. */
  readonly payload: () => unknown;
}

/**
 * Reads a notification. It is for the string `channel` of a JSON object; any other text is for the
 * channel that bears the database channel's own name.
 */
export function readNotification(text: string, databaseChannel: string): Notification {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { channel: databaseChannel, sub: undefined, payload: () => text };
  const channel = 'channel' in value ? value.channel : undefined;
  return {
    channel: typeof channel === 'string' ? channel : databaseChannel,
    sub: senderOf(value),
    payload: () => payloadOf(value),
  };
}

function senderOf(envelope: object): string | undefined {
  const claims = 'claims' in envelope ? envelope.claims : undefined;
  if (typeof claims !== 'object' || claims === null || !('sub' in claims)) return undefined;
  return typeof claims.sub === 'string' ? claims.sub : undefined;
}

/** The member `payload` of an envelope, read if it is marked as JSON; of another object all of it. */
function payloadOf(value: object): unknown {
  if (!('payload' in value)) return value;
  const { payload } = value;
  const isJson = 'payload_type' in value && value.payload_type === 'json';
  if (!isJson || typeof payload !== 'string') return payload;
  const read = parseJson(payload);
  return read === undefined ? payload : read;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever may NOTIFY may send anything: text that is no JSON is a message like any other.
    return undefined;
  }
}

/** The verified contents of a token: a JSON object. */
type Claims = Readonly<Record<string, unknown>>;

/** The JSON text of a sender's claims up to where a time is missing, and from there on. */
interface ClaimsText {
  readonly beforeTime: string;
  readonly afterTime: string;
}

/**
 * Writes the JSON round a payload, byte for byte as programs written for postgres-websockets expect
 * it: keys in alphabetical order, and in `claims` the time of delivery in UNIX seconds. No two
 * envelopes of one instance are equal.
 */
export class Envelopes {
  readonly #clock: DeliveryClock;
  /** A sender's claims stay the same object for all its messages: their text is made once. */
  readonly #claimsTexts = new WeakMap<Claims, ClaimsText>();

  /** `nowMs` is wall time in milliseconds since 1970, with or without a fraction. */
  constructor(nowMs: () => number) {
    this.#clock = new DeliveryClock(nowMs);
  }

  /**
   * A client's message to one channel. Runs once per message and channel: see
   * `docs/architecture.md`, hot path.
   */
  message(channel: string, claims: Claims, payload: string): string {
    return this.#write(channel, claims, MESSAGE, JSON.stringify(payload));
  }

  /**
   * Any JSON to one channel. Programs that know texts only get it as one; the last key tells others to
   * read it. Throws a `RangeError` for what nests too deep to be written.
   */
  publication(channel: string, claims: Claims, payload: unknown): string {
    if (typeof payload === 'string') return this.message(channel, claims, payload);
    const text = JSON.stringify(JSON.stringify(payload));
    return this.#write(channel, claims, MESSAGE, `${text},"payload_type":"json"`);
  }

  /** Tells the meta channel that a connection with these channels was admitted. */
  connectionOpen(metaChannel: string, claims: Claims, channels: readonly string[]): string {
    return this.#write(metaChannel, claims, `"event":"ConnectionOpen"`, listed(channels));
  }

  /** Tells the meta channel that a connection with these channels has ended with this close code. */
  connectionClose(
    metaChannel: string,
    claims: Claims,
    channels: readonly string[],
    code: number,
  ): string {
    const members = `"code":${code},"event":"ConnectionClose"`;
    return this.#write(metaChannel, claims, members, listed(channels));
  }

  #write(channel: string, claims: Claims, members: string, payloadText: string): string {
    const { beforeTime, afterTime } = this.#claimsText(claims);
    return `{"channel":${JSON.stringify(channel)},"claims":${beforeTime}${this.#clock.next()}${afterTime},${members},"payload":${payloadText}}`;
  }

  #claimsText(claims: Claims): ClaimsText {
    const known = this.#claimsTexts.get(claims);
    if (known !== undefined) return known;

    const text = claimsText(claims);
    this.#claimsTexts.set(claims, text);
    return text;
  }
}

const MESSAGE = '"event":"WebsocketMessage"';

function listed(channels: readonly string[]): string {
  return JSON.stringify(channels.join(','));
}

/** The name under which postgres-websockets tells when a message was delivered. */
const TIME = 'message_delivered_at';

function claimsText(claims: Claims): ClaimsText {
  // A claim of that name in the token must not pass for the time of delivery: ours replaces it.
  const members = sortedMembers({ ...claims, [TIME]: 0 });
  const time = members.indexOf(`"${TIME}":0`);
  return {
    beforeTime: `{${[...members.slice(0, time), `"${TIME}":`].join(',')}`,
    afterTime: `${['', ...members.slice(time + 1)].join(',')}}`,
  };
}
