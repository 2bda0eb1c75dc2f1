import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeMessage, LARGEST_ID, LONGEST_TOKEN, parseCommand } from '#client/protocol.js';
import type { Command, GatewayMessage } from '#client/protocol.js';

const UNKNOWN_TYPE = 'The type of the message is not known';
const BAD_TOKEN = 'The token of an auth is a text of 1 to 8192 characters';

const ids = fc.integer({ min: 1, max: LARGEST_ID });
const tokens = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 });
/** JSON knows no -0. */
const written = fc.json().map((text): unknown => JSON.parse(text));
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('auth'), id: ids, token: tokens }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('ping'), id: ids }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constant('subscribe'), id: ids, channel: tokens, from: tokens },
    { noNullPrototype: true, requiredKeys: ['type', 'id', 'channel'] },
  ),
  fc.record(
    { type: fc.constant('publish'), id: ids, channel: tokens, payload: written },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant('unsubscribe'), id: ids, channel: tokens },
    { noNullPrototype: true },
  ),
);

/** Names that every object of JavaScript answers to, and some of a message's own. */
const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'type',
  'id',
  'token',
);

describe('parseCommand', () => {
  it('reads each command that was written', () => {
    fc.assert(
      fc.property(commands, (command) => {
        assert.deepEqual(parseCommand(encodeMessage(command)), { command });
      }),
    );
  });

  it('reads a command in whatever order and spelling JSON allows', () => {
    assert.deepEqual(parseCommand(' { "id" : 1.0e0,\n"type":"\\u0070ing" } '), {
      command: { type: 'ping', id: 1 },
    });
  });

  it('ignores fields that it does not know', () => {
    const extra = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(extra, commands, (others, command) => {
        const { from: _, key: __, ...unknown } = others;
        const text = JSON.stringify({ ...unknown, ...command });
        assert.deepEqual(parseCommand(text), { command });
      }),
    );
  });

  it('asks for a channel that is named, and a cursor that is a text', () => {
    const problem = 'A channel is a text that is not empty';
    for (const type of ['subscribe', 'unsubscribe'])
      for (const channel of ['null', '""', '7', '["a"]'])
        assert.deepEqual(parseCommand(`{"type":"${type}","id":1,"channel":${channel}}`), {
          id: 1,
          problem,
        });
    for (const from of ['null', '""', '7'])
      assert.deepEqual(parseCommand(`{"type":"subscribe","id":1,"channel":"a","from":${from}}`), {
        id: 1,
        problem: 'A cursor is a text',
      });
  });

  it('asks for a payload, null even, and takes a key of 1 to 200 characters', () => {
    const publish = (rest: string) =>
      parseCommand(`{"type":"publish","id":1,"channel":"a"${rest}}`);
    assert.deepEqual(publish(',"payload":null'), {
      command: { type: 'publish', id: 1, channel: 'a', payload: null },
    });
    assert.deepEqual(publish(''), { id: 1, problem: 'A publish needs a payload' });
    for (const key of ['k', ' ', '0'.repeat(200), '😀'.repeat(200)])
      assert.deepEqual(publish(`,"payload":1,"key":"${key}"`), {
        command: { type: 'publish', id: 1, channel: 'a', payload: 1, key },
      });
    const problem = 'A key is a text of 1 to 200 characters';
    for (const key of ['""', 'null', '7', '["k"]', `"${'0'.repeat(201)}"`, `"${'😀'.repeat(201)}"`])
      assert.deepEqual(publish(`,"payload":1,"key":${key}`), { id: 1, problem });
  });

  for (const id of ['0', '-1', '1.5', '2147483648', '1e400', '"1"', 'true', 'null', '[1]', '{}'])
    it(`takes what has ${id} for its id for no message`, () => {
      assert.equal(parseCommand(`{"type":"ping","id":${id}}`), undefined);
    });

  it('takes the smallest and the largest id', () => {
    for (const id of [1, 2_147_483_647])
      assert.deepEqual(parseCommand(`{"type":"ping","id":${id}}`), {
        command: { type: 'ping', id },
      });
  });

  for (const text of [
    '',
    'ping',
    '{"type":"ping"}',
    '{"type":"ping","id":1',
    '{"type":"ping","id":1}{}',
    '\uFEFF{"type":"ping","id":1}',
    '[{"type":"ping","id":1}]',
    '"ping"',
    '1',
    'null',
    "{'type':'ping','id':1}",
  ])
    it(`takes ${JSON.stringify(text)} for no message`, () => {
      assert.equal(parseCommand(text), undefined);
    });

  for (const type of ['"subscribed"', '"PING"', '""', '"__proto__"', '"constructor"', '1', 'null'])
    it(`can answer a message whose type is ${type}`, () => {
      assert.deepEqual(parseCommand(`{"id":7,"type":${type}}`), { id: 7, problem: UNKNOWN_TYPE });
    });

  it('can answer a message without a type', () => {
    assert.deepEqual(parseCommand('{"id":7}'), { id: 7, problem: UNKNOWN_TYPE });
  });

  for (const token of [undefined, '', 1, null, ['a'], { toString: 'a' }])
    it(`finds no token in ${JSON.stringify(token)}`, () => {
      const text = JSON.stringify({ type: 'auth', id: 7, token });
      assert.deepEqual(parseCommand(text), { id: 7, problem: BAD_TOKEN });
    });

  it('takes a token of 8,192 characters, and none that is longer', () => {
    const longest = 'x'.repeat(LONGEST_TOKEN);
    const parsed = (token: string) => parseCommand(encodeMessage({ type: 'auth', id: 7, token }));
    assert.deepEqual(parsed(longest), { command: { type: 'auth', id: 7, token: longest } });
    assert.deepEqual(parsed(`${longest}x`), { id: 7, problem: BAD_TOKEN });
  });

  it('never takes from a prototype what the message itself does not say', () => {
    const whole = '{"type":"auth","id":1,"token":"t"}';
    assert.equal(parseCommand(`{"__proto__":${whole}}`), undefined);
    assert.deepEqual(parseCommand(`{"type":"auth","id":2,"__proto__":${whole}}`), {
      id: 2,
      problem: BAD_TOKEN,
    });
    assert.deepEqual(parseCommand(`{"id":2,"__proto__":${whole}}`), {
      id: 2,
      problem: UNKNOWN_TYPE,
    });
  });

  it('takes nothing from a prototype that somebody has spoiled', (t) => {
    t.after(() => Reflect.deleteProperty(Object.prototype, 'token'));
    Object.defineProperty(Object.prototype, 'token', { value: 'forged', configurable: true });
    assert.deepEqual(parseCommand('{"type":"auth","id":2}'), { id: 2, problem: BAD_TOKEN });
  });

  it('gives back nothing but the fields of a command', () => {
    const parsed = parseCommand('{"type":"ping","id":1,"token":"t","__proto__":{"a":1}}');
    assert.deepEqual(parsed, { command: { type: 'ping', id: 1 } });
    assert.equal(JSON.stringify(parsed), '{"command":{"type":"ping","id":1}}');
  });

  it('has an answer to every text, and repeats nothing of it', () => {
    const values = fc.oneof(fc.jsonValue(), ids, fc.constantFrom('auth', 'ping'));
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.dictionary(names, values).map((object) => JSON.stringify(object)),
      fc.tuple(names, ids, fc.json()).map(([name, id, json]) => `{"id":${id},"${name}":${json}}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseCommand(text);
        if (parsed === undefined) return;
        if ('command' in parsed) assert.ok(['auth', 'ping'].includes(parsed.command.type));
        else assert.ok([UNKNOWN_TYPE, BAD_TOKEN].includes(parsed.problem));
        const { id } = 'command' in parsed ? parsed.command : parsed;
        assert.ok(Number.isInteger(id) && id >= 1 && id <= LARGEST_ID);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not impressed by what nests as deep as a frame can hold', () => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    assert.deepEqual(parseCommand(`{"type":"ping","id":1,"x":${deep}}`), {
      command: { type: 'ping', id: 1 },
    });
  });
});

describe('encodeMessage', () => {
  it('writes JSON that says the same, whatever is in it', () => {
    const modes = fc.constantFrom('r', 'w', 'rw');
    const text = fc.string({ unit: 'binary' });
    const messages: fc.Arbitrary<GatewayMessage> = fc.oneof(
      fc.record({ type: fc.constant('ok'), id: ids }),
      fc.record({ type: fc.constant('pong'), id: ids }),
      fc.record(
        {
          type: fc.constant('welcome'),
          session: text,
          user: text,
          expiresAt: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
          serverTime: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
          channels: fc.dictionary(fc.oneof(text, names), modes),
          pingSeconds: fc.nat(),
          maxPayloadBytes: fc.nat(),
        },
        {
          requiredKeys: [
            'type',
            'session',
            'serverTime',
            'channels',
            'pingSeconds',
            'maxPayloadBytes',
          ],
        },
      ),
    );
    fc.assert(
      fc.property(messages, (message) => {
        const parsed: unknown = JSON.parse(encodeMessage(message));
        assert.equal(JSON.stringify(parsed), JSON.stringify(message));
      }),
    );
  });

  it('leaves out what there is not', () => {
    assert.equal(encodeMessage({ type: 'pong', id: 7 }), '{"type":"pong","id":7}');
  });

  it('writes valid Unicode where a text holds half a letter', () => {
    const text = encodeMessage({ type: 'auth', id: 1, token: '\uD800' });
    assert.equal(text, '{"type":"auth","id":1,"token":"\\ud800"}');
  });
});
