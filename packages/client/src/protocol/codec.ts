import { LARGEST_ID, LONGEST_KEY, LONGEST_TOKEN } from './limits.ts';
import type { Command, GatewayMessage } from './messages.ts';
import type { StreamMessage } from './stream-messages.ts';

/** A message that can be answered, as it has an `id`, and does not say what it must. */
export interface BadCommand {
  readonly id: number;
  /** What is wrong. Constant: never holds input. */
  readonly problem: string;
}

/** An object that came from JSON. */
type JsonObject = Readonly<Record<string, unknown>>;

/** Takes a command out of its message, or says what is wrong with it. */
type Reader<Read extends Command> = (message: JsonObject, id: number) => Read | string;

const NO_CHANNEL = 'A channel is a text that is not empty';

/** How each type of command is read. */
const readers: {
  readonly [Type in Command['type']]: Reader<Extract<Command, { readonly type: Type }>>;
} = {
  auth: (message, id) => {
    const token = own(message, 'token');
    return isToken(token)
      ? { type: 'auth', id, token }
      : `The token of an auth is a text of 1 to ${LONGEST_TOKEN} characters`;
  },
  ping: (_message, id) => ({ type: 'ping', id }),
  subscribe: (message, id) => {
    const channel = own(message, 'channel');
    const from = own(message, 'from');
    if (!isText(channel)) return NO_CHANNEL;
    if (from === undefined) return { type: 'subscribe', id, channel };
    return isText(from) ? { type: 'subscribe', id, channel, from } : 'A cursor is a text';
  },
  publish: (message, id) => {
    const channel = own(message, 'channel');
    const payload = own(message, 'payload');
    if (!isText(channel)) return NO_CHANNEL;
    if (payload === undefined) return 'A publish needs a payload';
    const key = own(message, 'key');
    if (key === undefined) return { type: 'publish', id, channel, payload };
    return isKey(key)
      ? { type: 'publish', id, channel, payload, key }
      : `A key is a text of 1 to ${LONGEST_KEY} characters`;
  },
  unsubscribe: (message, id) => {
    const channel = own(message, 'channel');
    return isText(channel) ? { type: 'unsubscribe', id, channel } : NO_CHANNEL;
  },
};

// A map, whose keys are these only: an object would know of a type `constructor`, too.
const readerOf = new Map<unknown, Reader<Command>>(Object.entries(readers));

/**
 * Reads one message of a client's. A JSON object with a valid `id` is always answered: it is a command,
 * or a bad one. `undefined`: it is no message. Fields that are not known are ignored. Never throws.
 */
export function parseCommand(text: string): { readonly command: Command } | BadCommand | undefined {
  const message = parseObject(text);
  if (message === undefined) return undefined;
  const id = own(message, 'id');
  if (!isId(id)) return undefined;

  const read = readerOf.get(own(message, 'type'));
  if (read === undefined) return { id, problem: 'The type of the message is not known' };
  const command = read(message, id);
  return typeof command === 'string' ? { id, problem: command } : { command };
}

/** Writes one message, of either side, or of a stream. The text is always valid Unicode, whatever is in it. */
export function encodeMessage(message: Command | GatewayMessage | StreamMessage): string {
  return JSON.stringify(message);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // What is no JSON is no message. The error would quote it.
    return undefined;
  }
}

/** A list counts as one: it has no `id`. */
function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

/** A member of the object itself, and nothing that a prototype holds. */
function own(message: JsonObject, name: string): unknown {
  return Object.hasOwn(message, name) ? message[name] : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST_ID;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isToken(value: unknown): value is string {
  return isText(value) && value.length <= LONGEST_TOKEN;
}

function isKey(value: unknown): value is string {
  // What SQL counts, too: a character outside of the first plane is one.
  return isText(value) && Array.from(value).length <= LONGEST_KEY;
}
