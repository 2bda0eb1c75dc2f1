import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { addressBlock } from '#gateway/http/address-block.js';
import { HandshakeRate } from '#gateway/http/handshake-rate.js';
import { Places } from '#gateway/http/places.js';
import { createTurnstile } from '#gateway/http/turnstile.js';

const connection = (): Duplex =>
  new Duplex({ read: () => {}, write: (_data, _encoding, done) => done() });

async function close(stream: Duplex): Promise<void> {
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
}

const OFF = {
  handshakesPerAddress: 0,
  connectionsPerAddress: 0,
  connectionsPerUser: 0,
  connections: 0,
};
const turnstile = (limits: Partial<typeof OFF>, nowMs = () => 0) =>
  createTurnstile({ ...OFF, ...limits }, nowMs);

describe('What limits count an address as', () => {
  it('is itself, and its network for IPv6', () => {
    assert.equal(addressBlock('192.0.2.1'), '192.0.2.1');
    assert.equal(addressBlock('unknown'), 'unknown');
    for (const address of ['2001:db8:1:2::', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'])
      assert.equal(addressBlock(address), '2001:db8:1:2::/64', address);
    assert.equal(addressBlock('2001:db8::1'), '2001:db8:0:0::/64');
    assert.equal(addressBlock('::1'), '0:0:0:0::/64');
    assert.equal(addressBlock('1::2:3:4:5:6'), '1:0:0:2::/64');
  });
});

describe('The rate of handshakes', () => {
  it('is counted for each address apart, and comes back with time', () => {
    const rate = new HandshakeRate(20);
    for (let n = 0; n < 20; n++) assert.equal(rate.take('a', 0), true);
    assert.equal(rate.take('a', 0), false);
    assert.equal(rate.take('b', 0), true);
    assert.equal(rate.take('a', 50), true);
    assert.equal(rate.take('a', 50), false);
    assert.equal(rate.take('a', 10_000), true);
  });

  it('allows one at once however slow it is, and any number when it is off', () => {
    const slow = new HandshakeRate(0.1);
    assert.deepEqual(
      [slow.take('a', 0), slow.take('a', 9_000), slow.take('a', 10_001)],
      [true, false, true],
    );
    const off = new HandshakeRate(0);
    for (let n = 0; n < 1_000; n++) assert.equal(off.take('a', 0), true);
    assert.equal(off.size, 0);
  });

  it('remembers so many addresses, whoever has more, and forgets the least recent first', () => {
    const rate = new HandshakeRate(1, 100);
    rate.take('attacker', 0);
    for (let n = 0; n < 10_000; n++) {
      rate.take(`address ${n}`, 0);
      assert.equal(rate.take('attacker', 0), false);
    }
    assert.equal(rate.size, 100);
  });

  it('refuses no new address while it is full', () => {
    const rate = new HandshakeRate(1, 100);
    for (let n = 0; n < 1_000; n++) assert.equal(rate.take(`address ${n}`, 0), true);
  });
});

describe('A place', () => {
  it('is given back when the connection closes, and leaves nothing behind', async () => {
    const places = new Places(2);
    const [one, two, three] = [connection(), connection(), connection()];
    assert.deepEqual(
      [places.take('a', one), places.take('a', two), places.take('a', three)],
      [true, true, false],
    );
    await close(three);
    assert.equal(places.take('a', connection()), false);
    await close(one);
    const four = connection();
    assert.deepEqual([places.take('a', four), places.take('a', connection())], [true, false]);
    await close(two);
    await close(four);
    assert.equal(places.size, 0);
  });

  it('is there for everybody when there is no limit', () => {
    const places = new Places(0);
    for (let n = 0; n < 1_000; n++) assert.equal(places.take('a', connection()), true);
    assert.equal(places.size, 0);
  });
});

describe('The turnstile', () => {
  it('stops too many of one address, and of one IPv6 network', () => {
    const { knock } = turnstile({ connectionsPerAddress: 1 });
    assert.equal(knock('2001:db8::1', connection()), undefined);
    assert.equal(knock('2001:db8::2', connection())?.failure.code, 'connection_limit');
    assert.equal(knock('2001:db8:0:1::2', connection()), undefined);
    assert.equal(knock('192.0.2.1', connection()), undefined);
  });

  it('stops too many in all, and takes no place of the address for it', async () => {
    const { knock } = turnstile({ connections: 1, connectionsPerAddress: 1 });
    const first = connection();
    const second = connection();
    assert.equal(knock('a', first), undefined);
    assert.equal(knock('b', second)?.failure.code, 'unavailable');
    await close(first);
    await close(second);
    assert.equal(knock('b', connection()), undefined);
  });

  it('stops too many handshakes, and says when to come back', () => {
    let nowMs = 0;
    const { knock } = turnstile({ handshakesPerAddress: 2 }, () => nowMs);
    assert.deepEqual([knock('a', connection()), knock('a', connection())], [undefined, undefined]);
    const refusal = knock('a', connection());
    assert.equal(refusal?.failure.code, 'rate_limited');
    assert.deepEqual(refusal.headers, { 'Retry-After': '1' });
    nowMs = 1_000;
    assert.equal(knock('a', connection()), undefined);
  });

  it('stops too many of one user: the sub of one issuer', () => {
    const { pass } = turnstile({ connectionsPerUser: 1 });
    const enters = (claims: object): boolean => pass({ ...claims }, connection()) === undefined;
    assert.deepEqual([enters({ sub: 'ada' }), enters({ sub: 'ada' })], [true, false]);
    assert.deepEqual(
      [enters({ sub: 'ada', iss: 'b' }), enters({ sub: 'ada', iss: 'b' })],
      [true, false],
    );
    assert.deepEqual([enters({ sub: 'bob' }), enters({ sub: 'adab' })], [true, true]);
    for (const claims of [{}, { sub: 1 }, { sub: null }, { sub: ['ada'] }])
      assert.deepEqual([enters(claims), enters(claims)], [true, true]);
  });
});
