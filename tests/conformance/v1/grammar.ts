import assert from 'node:assert/strict';

/** The members of a message, or claims. */
export type Said = Readonly<Record<string, unknown>>;

/** What a member must be, in words that complete "must be …", and whether it is. */
type Rule = readonly [string, (value: unknown) => boolean];

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text: Rule = ['a text', (value) => typeof value === 'string'];
const name: Rule = [
  'a text that is not empty',
  (value) => typeof value === 'string' && value !== '',
];
const number: Rule = ['a number, not negative', (value) => typeof value === 'number' && value >= 0];
const whole: Rule = ['a whole number, not negative', (value) => Number.isInteger(value)];
const time: Rule = [
  'UNIX time in seconds',
  (value) => typeof value === 'number' && value > 1e9 && value < 1e11,
];
const anything: Rule = ['there', (value) => value !== undefined];
const code: Rule = ['a code', (value) => typeof value === 'string' && /^[a-z_]+$/.test(value)];
const grant: Rule = [
  'an object of names and the mode of each',
  (value) =>
    isObject(value) &&
    Object.values(value).every((mode) => ['r', 'w', 'rw'].includes(String(mode))),
];
const sender: Rule = [
  'an object with a sub, and nothing else',
  (value) => isObject(value) && Object.keys(value).join() === 'sub',
];
const oneOf = (...values: readonly unknown[]): Rule => [
  `one of ${values.join(', ')}`,
  (value) => values.includes(value),
];

/** What each message of the gateway's must hold; a member with `?` may be missing (docs/protocol.md §2.2). */
export const messages: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  welcome: {
    session: name,
    'user?': text,
    'expiresAt?': time,
    serverTime: time,
    channels: grant,
    pingSeconds: number,
    maxPayloadBytes: whole,
  },
  ok: {
    id: whole,
    'expiresAt?': time,
    'channels?': grant,
    'cursor?': name,
    'recovered?': oneOf(true, false),
    'duplicate?': oneOf(true),
  },
  error: { id: whole, code, message: text, retry: oneOf('yes', 'no', 'new-token') },
  pong: { id: whole },
  message: { channel: name, payload: anything, cursor: name, at: time, 'claims?': sender },
  gap: { channel: name, reason: code, cursor: name },
  expiring: { seconds: number },
  unsubscribed: { channel: name, code, reason: text },
  status: { database: oneOf('up', 'down') },
};

/** Reads what a gateway said, and fails when it is no message, or not as the protocol has it. */
export function readMessage(frame: string): Said {
  const message = parseObject(frame);
  const type = message['type'];
  assert.equal(typeof type, 'string', `Its type must be a text: ${shortly(frame)}`);
  // A type that nobody has heard of is for a later client.
  for (const [member, [what, holds]] of Object.entries(messages[String(type)] ?? {})) {
    const value = message[member.replace('?', '')];
    if (member.endsWith('?') && value === undefined) continue;
    assert.ok(holds(value), `${type}: its member ${member} must be ${what}: ${shortly(frame)}`);
  }
  return message;
}

function parseObject(frame: string): Said {
  try {
    const value: unknown = JSON.parse(frame);
    if (isObject(value)) return { ...value };
  } catch {
    // Told below, as what is JSON and no object is.
  }
  throw new assert.AssertionError({ message: `No JSON object: ${shortly(frame)}` });
}

function shortly(frame: string): string {
  return frame.length > 200 ? `${frame.slice(0, 200)}…` : frame;
}
