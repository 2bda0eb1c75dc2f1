import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { forgeToken, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';
import type { Closing } from '../support/ws-client.ts';

const scope = failOnLeaks();
const { url: databaseUrl } = await freshDatabase({ after });

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;
const EXPIRED = { code: 3001, reason: 'JWT expired' };
const TOO_OLD = { code: 4002, reason: 'Connection too old' };

/** Two clients that have shown the same token, one on each protocol. */
interface Both {
  /** How both ended, which must be the same. */
  closed(): Promise<Closing>;
  /** Asks both whether they are still there. */
  ping(): Promise<void>;
}

interface World {
  readonly gateway: TestGateway;
  readonly clock: JumpingClock;
  /** A client whose token ends so many seconds from now; the fraction counts. */
  enter(seconds: number): Promise<WsClient>;
  /** One of each protocol. */
  enterBoth(seconds: number): Promise<Both>;
}

async function setUp(environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const clock = new JumpingClock();
  const gateway = await startGateway(scope, { databaseUrl, environment, hooks: { clock } });
  const claimsFor = (seconds: number) =>
    ({ mode: 'rw', channels: ['chat'], exp: clock.wallMs() / 1000 + seconds }) as const;
  const enter = (seconds: number): Promise<WsClient> => gateway.client(claimsFor(seconds));
  const enterBoth = async (seconds: number): Promise<Both> => {
    const claims = claimsFor(seconds);
    const raw = await gateway.client(claims);
    const v1 = await WsClient.connect(`${gateway.wsUrl}/ws`, {
      protocols: ['postern.v1'],
      headers: { Authorization: `Bearer ${await signToken(claims)}` },
    });
    return {
      closed: async () => {
        const [one, other] = await Promise.all([raw.closed(), v1.closed()]);
        assert.deepEqual(one, other);
        return one;
      },
      ping: async () => void (await Promise.all([raw.ping(), v1.ping()])),
    };
  };
  return { gateway, clock, enter, enterBoth };
}

/** The end came by the next tick after the given time of the monotonic clock, and not before it. */
function assertSoonAfter(endMs: number): void {
  const lateMs = performance.now() - endMs;
  assert.ok(lateMs > -20 && lateMs < 1_250, `${Math.round(lateMs)} ms late`);
}

describe('The two clocks', () => {
  it('end a session in time although the wall clock is set back an hour', async () => {
    const { clock, enterBoth } = await setUp();
    const startMs = performance.now();
    const client = await enterBoth(2);
    clock.jumpWall(-HOUR * 1000);
    assert.deepEqual(await client.closed(), EXPIRED);
    assertSoonAfter(startMs + 2_000);
  });

  it('end at once whoever the wall clock, set ahead or no longer asleep, says is over', async () => {
    const { clock, enterBoth } = await setUp();
    const over = await enterBoth(HOUR / 2);
    const notOver = await enterBoth(2 * HOUR);
    const startMs = performance.now();
    clock.jumpWall(HOUR * 1000);
    assert.deepEqual(await over.closed(), EXPIRED);
    assertSoonAfter(startMs);

    await notOver.ping();
    clock.jumpWall(HOUR * 1000);
    assert.deepEqual(await notOver.closed(), EXPIRED);
  });

  it('do not give anybody an hour more when the wall clock goes ahead and comes back', async () => {
    const { clock, enterBoth } = await setUp();
    clock.jumpWall(HOUR * 1000);
    const client = await enterBoth(HOUR / 2);
    clock.jumpWall(-HOUR * 1000);
    await client.ping();
    clock.pass((HOUR / 2) * 1000);
    assert.deepEqual(await client.closed(), EXPIRED);
  });

  it('admit by the wall clock as it stands', async () => {
    const { gateway, clock } = await setUp();
    const token = await signToken({
      mode: 'r',
      channels: ['chat'],
      exp: clock.inSeconds(HOUR / 2),
    });
    clock.jumpWall(HOUR * 1000);
    const { status, body } = await WsClient.refusal(`${gateway.wsUrl}/${token}`);
    assert.deepEqual([status, body], [400, 'Token expired']);
  });
});

describe('The end of a token', () => {
  it('may have a fraction: not before it, and within a second of it', async () => {
    const { enter } = await setUp();
    for (const seconds of [0.75, 1.001, 1.5]) {
      const startMs = performance.now();
      const client = await enter(seconds);
      assert.deepEqual(await client.closed(), EXPIRED);
      assertSoonAfter(startMs + seconds * 1000);
    }
  });

  it('may lie nine years ahead, where no timer reaches: nothing fires before', async () => {
    const { clock, enter, enterBoth } = await setUp({ POSTERN_MAX_CONNECTION_AGE: '0' });
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warn);
    const patient = await enterBoth(9 * YEAR);
    const witness = await enter(2);
    assert.deepEqual(await witness.closed(), EXPIRED);
    await patient.ping();

    clock.pass((9 * YEAR - HOUR) * 1000);
    const second = await enter(1);
    assert.deepEqual(await second.closed(), EXPIRED);
    await patient.ping();
    clock.pass(HOUR * 1000);
    assert.deepEqual(await patient.closed(), EXPIRED);
    process.off('warning', warn);
    assert.deepEqual(warnings, []);
  });

  const decodeError = 'Error: JWTClaimsSetDecodeError exp: expected';
  const absurd: Readonly<Record<string, string>> = {
    '1e400': `${decodeError} a number of seconds`,
    '-1e400': `${decodeError} a number of seconds`,
    '"1e9"': `${decodeError} a number of seconds`,
    null: `${decodeError} a number of seconds`,
    true: `${decodeError} a number of seconds`,
    '[4e9]': `${decodeError} a number of seconds`,
    '1e308': `${decodeError} seconds, at most ten years ahead`,
    '1e15': `${decodeError} seconds, at most ten years ahead`,
    '4e9': `${decodeError} seconds, at most ten years ahead`,
    [String(Date.now())]: `${decodeError} seconds, at most ten years ahead`,
    '0': 'Token expired',
    '-0.0': 'Token expired',
    '-1': 'Token expired',
    '1e-400': 'Token expired',
    [String(Math.floor(Date.now() / 1000))]: 'Token expired',
  };

  it('is refused when it is absurd, in the words of the protocol', async () => {
    const { gateway } = await setUp();
    for (const [exp, expected] of Object.entries(absurd)) {
      const token = forgeToken({ payload: `{"mode":"r","channels":["chat"],"exp":${exp}}` });
      const { status, body } = await WsClient.refusal(`${gateway.wsUrl}/${token}`);
      assert.deepEqual([exp, status, body], [exp, 400, expected]);
    }
  });

  it('has the same leeway at the door and for the open socket: nobody goes round in a circle', async () => {
    const { gateway, clock } = await setUp({ POSTERN_EXP_LEEWAY: '60' });
    const exp = clock.inSeconds(-50);
    const token = await signToken({ mode: 'r', channels: ['chat'], exp });
    const url = `${gateway.wsUrl}/${token}`;
    const client = await WsClient.connect(url);
    await until('a tick', () => clock.wallMs() / 1000 >= exp + 52);
    await client.ping();

    clock.pass((exp + 60) * 1000 - clock.wallMs());
    assert.deepEqual(await client.closed(), EXPIRED);
    const { status, body } = await WsClient.refusal(url);
    assert.deepEqual([status, body], [400, 'Token expired']);
  });

  it('is said by 3001 when the token goes first, and by 4002 when the connection is too old', async () => {
    const { clock, enter } = await setUp({ POSTERN_MAX_CONNECTION_AGE: '600' });
    const [short, long] = [await enter(300), await enter(900)];
    clock.pass(300_000);
    assert.deepEqual(await short.closed(), EXPIRED);
    await long.ping();
    clock.pass(300_000);
    assert.deepEqual(await long.closed(), TOO_OLD);
  });

  it('ends nobody by age when there is no maximum', async () => {
    const { clock, enter } = await setUp({ POSTERN_MAX_CONNECTION_AGE: '0' });
    const client = await enter(2 * YEAR);
    clock.pass(YEAR * 1000);
    const witness = await enter(1);
    await witness.closed();
    await client.ping();
    await client.close();
  });
});
