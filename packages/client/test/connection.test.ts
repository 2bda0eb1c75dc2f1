import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Reply } from '#client/protocol.js';

import { connect, connectAgain } from './support/connections.ts';
import { WELCOME } from './support/fake-socket.ts';
import { pass } from './support/time.ts';

const LOST = { code: 1006, reason: '' };

describe('A connection that opens', () => {
  it('offers what its credential says, and says nothing before its welcome but a token', (t) => {
    const { connection, socket, welcomes } = connect(t, 'jwt');
    assert.equal(socket.url, 'wss://rt.example.com/ws');
    assert.deepEqual(socket.protocols, ['postern.v1']);
    assert.deepEqual(socket.said, []);
    socket.open();
    assert.deepEqual(socket.said, [{ id: 1, type: 'auth', token: 'jwt' }]);
    connection.probe();
    assert.equal(connection.isOpen, false);
    socket.tell(WELCOME);
    socket.reply('auth');
    assert.deepEqual(welcomes, [WELCOME]);
    assert.equal(connection.isOpen, true);
    assert.equal(socket.said.length, 1);
  });

  it('says nothing at all where a ticket has opened it', (t) => {
    const { socket, welcomes } = connect(t);
    socket.welcome();
    assert.deepEqual(socket.said, []);
    assert.equal(welcomes.length, 1);
  });

  it('waits for 20 seconds for the welcome, open or not', (t) => {
    for (const [isOpened, stage] of [
      [false, 'opening'],
      [true, 'waiting'],
    ] as const) {
      const { socket, ends } = connect(t, 'jwt');
      if (isOpened) socket.open();
      pass(t, 19_900);
      assert.deepEqual(ends, []);
      pass(t, 100);
      assert.deepEqual(ends, [{ ...LOST, stage }]);
      assert.deepEqual(socket.closes, [undefined]);
    }
  });

  it('tells how it ended, and how far it had come', (t) => {
    for (const stage of ['opening', 'waiting', 'welcomed'] as const) {
      const { socket, ends } = connect(t);
      if (stage === 'waiting') socket.open();
      if (stage === 'welcomed') socket.welcome();
      socket.end(3001, 'JWT expired');
      assert.deepEqual(ends, [{ code: 3001, reason: 'JWT expired', stage }]);
    }
  });
});

describe('A connection', () => {
  it('gives each command an id of its own, and each reply to whoever said it', (t) => {
    const { connection, socket } = connect(t);
    socket.welcome();
    const replies: unknown[] = [];
    connection.say({ type: 'subscribe', channel: 'a' }, (reply) =>
      replies.push(['a', reply?.type]),
    );
    connection.sayText('{"type":"publish","channel":"b","payload":1}', (reply) =>
      replies.push(['b', reply?.type]),
    );
    assert.deepEqual(socket.said, [
      { id: 1, type: 'subscribe', channel: 'a' },
      { id: 2, type: 'publish', channel: 'b', payload: 1 },
    ]);
    socket.tell({ type: 'error', id: 2, code: 'forbidden', message: '', retry: 'no' });
    socket.tell({ type: 'ok', id: 1 });
    assert.deepEqual(replies, [
      ['b', 'error'],
      ['a', 'ok'],
    ]);
  });

  it('ignores replies that nobody waits for, and a second one', (t) => {
    const { connection, socket, announcements, ends } = connect(t);
    socket.welcome();
    const replies: (Reply | undefined)[] = [];
    connection.say({ type: 'ping' }, (reply) => replies.push(reply));
    for (const id of [0, 2, 77, -1, null]) socket.tell({ type: 'ok', id });
    socket.tell({ type: 'error' });
    assert.deepEqual(replies, []);
    socket.tell({ type: 'pong', id: 1 });
    socket.tell({ type: 'pong', id: 1 });
    assert.deepEqual(replies, [{ type: 'pong', id: 1 }]);
    assert.deepEqual([announcements, ends], [[], []]);
  });

  it('hands on what answers nothing, what it does not know as well', (t) => {
    const { socket, announcements } = connect(t);
    socket.welcome();
    const said = [
      { type: 'message', channel: 'a', payload: null, cursor: 'c1', at: 1 },
      { type: 'gap', channel: 'a', reason: 'feed_lost', cursor: 'c2' },
      { type: 'status', database: 'down' },
      { type: 'of a newer gateway' },
    ];
    for (const message of said) socket.tell(message);
    assert.deepEqual(announcements, said);
  });

  it('gives up on whoever says what no gateway says', (t) => {
    for (const data of ['hello', '', 'null', '"ok"', new Blob(['{"type":"ok"}']), undefined]) {
      const { socket, ends } = connect(t);
      socket.welcome();
      socket.tellText(data);
      assert.deepEqual(ends, [{ ...LOST, stage: 'welcomed' }]);
      assert.deepEqual(socket.closes, [undefined]);
    }
  });

  it('tells whoever waits that no reply comes, and its owner after that', (t) => {
    const { connection, socket, ends } = connect(t);
    socket.welcome();
    const told: unknown[] = [];
    for (const name of ['a', 'b'])
      connection.say({ type: 'ping' }, (reply) =>
        told.push([name, reply, ends.length, connection.isOpen]),
      );
    socket.end(1012, 'Service restart');
    assert.deepEqual(told, [
      ['a', undefined, 0, false],
      ['b', undefined, 0, false],
    ]);
    assert.equal(ends.length, 1);
  });

  it('ends once, and hears nothing after that', (t) => {
    const { socket, welcomes, announcements, ends } = connect(t);
    socket.welcome();
    const { onmessage, onclose } = socket;
    socket.tellText('garbage');
    onmessage?.({ data: 'garbage' });
    onclose?.({ code: 1000, reason: '' });
    socket.tell({ type: 'status', database: 'down' });
    pass(t, 120_000);
    assert.equal(ends.length, 1);
    assert.equal(welcomes.length, 1);
    assert.deepEqual(announcements, []);
    assert.deepEqual(socket.said, []);
  });

  it('is left without a word to its owner, and with one to whoever waits', (t) => {
    const { connection, socket, ends } = connect(t);
    socket.welcome();
    const replies: unknown[] = [];
    connection.say({ type: 'ping' }, (reply) => replies.push(reply));
    connection.leave();
    socket.end(1000);
    pass(t, 120_000);
    assert.deepEqual(replies, [undefined]);
    assert.deepEqual(ends, []);
    assert.deepEqual(socket.closes, [1000]);
    assert.equal(socket.said.length, 1);
  });

  it('keeps no program running once it has ended, or was left', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    for (const end of ['end', 'leave'] as const) {
      const { connection, socket } = connectAgain();
      socket.welcome();
      connection.probe();
      assert.ok(timers() > before);
      if (end === 'end') socket.end(1012);
      else connection.leave();
      assert.equal(timers(), before);
    }
  });

  it('survives an error of its socket, after which a close comes', (t) => {
    const { connection, socket, ends } = connect(t);
    socket.onerror?.();
    assert.deepEqual(ends, []);
    connection.leave();
    // `ws` says this of one that was left before it had opened, and throws when nobody listens.
    assert.equal(typeof socket.onerror, 'function');
  });
});

describe('A connection that is silent', () => {
  it('is asked for a sign of life after pingSeconds, and again only after as much silence', (t) => {
    const { socket, ends } = connect(t);
    socket.welcome({ pingSeconds: 20 });
    pass(t, 20_000);
    // The welcome itself was heard in the first span.
    assert.equal(socket.ofType('ping').length, 0);
    pass(t, 20_000);
    assert.equal(socket.ofType('ping').length, 1);
    socket.reply('ping', { type: 'pong' });
    pass(t, 20_000);
    assert.equal(socket.ofType('ping').length, 1);
    pass(t, 20_000);
    assert.equal(socket.ofType('ping').length, 2);
    socket.reply('ping', { type: 'pong' });
    pass(t, 15_000);
    assert.deepEqual(ends, []);
  });

  it('is not asked while anything comes', (t) => {
    const { socket } = connect(t);
    socket.welcome({ pingSeconds: 20 });
    for (let n = 0; n < 10; n += 1) {
      pass(t, 19_000);
      socket.tell({ type: 'status', database: 'up' });
    }
    assert.deepEqual(socket.said, []);
  });

  it('is lost 10 seconds after that, though its socket never says so', (t) => {
    const { connection, socket, ends } = connect(t);
    socket.welcome();
    const replies: unknown[] = [];
    connection.say({ type: 'subscribe', channel: 'a' }, (reply) => replies.push(reply));
    pass(t, 60_000 + 9_900);
    assert.deepEqual(ends, []);
    pass(t, 100);
    assert.deepEqual(ends, [{ ...LOST, stage: 'welcomed' }]);
    assert.deepEqual(replies, [undefined]);
    assert.deepEqual(socket.closes, [undefined]);
  });

  it('is not lost when anything at all comes in place of the pong', (t) => {
    const { socket, ends } = connect(t);
    socket.welcome();
    pass(t, 65_000);
    assert.equal(socket.ofType('ping').length, 1);
    socket.tell({ type: 'status', database: 'up' });
    pass(t, 20_000);
    assert.deepEqual(ends, []);
  });

  it('is asked at once when somebody wants to know, once at a time', (t) => {
    const { connection, socket, ends } = connect(t);
    socket.welcome();
    connection.probe();
    connection.probe();
    assert.equal(socket.ofType('ping').length, 1);
    pass(t, 9_900);
    assert.deepEqual(ends, []);
    pass(t, 100);
    assert.equal(ends.length, 1);
  });

  it('is asked in half a minute where the gateway does not say how often, and not without a pause', (t) => {
    const { socket } = connect(t);
    socket.welcome({ pingSeconds: 0 });
    pass(t, 59_000);
    assert.deepEqual(socket.said, []);
    pass(t, 1_000);
    assert.equal(socket.said.length, 1);
    const other = connect(t);
    other.socket.welcome({ pingSeconds: 0.001 });
    pass(t, 1_900);
    assert.deepEqual(other.socket.said, []);
  });
});
