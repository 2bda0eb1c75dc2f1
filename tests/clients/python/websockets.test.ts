import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startGateway } from '../../support/gateway.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { JumpingClock } from '../../support/jumping-clock.ts';
import { failOnLeaksTogether, ownScope } from '../../support/leaks.ts';
import { startSite } from '../../support/site.ts';
import { publish } from '../../support/streams.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/wait.ts';
import { startPython } from './python.ts';

const clock = new JumpingClock();
// Hooks run in their order: all of it has ended when it is counted what is left.
const scope = ownScope({ after });
failOnLeaksTogether();

let gateway: TestGateway;
before(async () => {
  gateway = await startGateway(scope, { hooks: { clock } });
});

/** Whoever reads and writes a channel of its own. */
const tokenFor = (sub: string, seconds = 600): Promise<string> =>
  signToken({ mode: 'rw', channels: [sub], sub, iat: 1, exp: clock.inSeconds(seconds) });

const urlFor = async (sub: string, seconds?: number): Promise<string> =>
  `${gateway.wsUrl}/${sub}/${await tokenFor(sub, seconds)}`;

const sessionsOf = (sub: string, event: string): number =>
  gateway.events.filter((logged) => logged.event === event && logged.fields['user'] === sub).length;

describe('websockets for Python', () => {
  it('reads what SQL says, byte for byte, and sees its own messages come back, however it sends them', async () => {
    const program = startPython(
      scope,
      `
async with websockets.connect(option("URL"), max_size=2**21) as socket:
    tell([socket.subprotocol, [extension.name for extension in getattr(socket, "extensions", [])]])
    tell(await socket.recv())
    umlauts = "ü€😀" * 6667
    for sent in ["hello ü", ["one ", "mess", "age ü"], b"bytes \\xc3\\xbc", umlauts]:
        await socket.send(sent)
        received = await socket.recv()
        payload = json.loads(received)["payload"]
        tell([type(received).__name__, payload if payload != umlauts else len(payload.encode())])
    await (await socket.ping())
    tell("pong")
    await socket.close(4123, "done")
    tell([socket.close_code, socket.close_reason])
`,
      { URL: await urlFor('reader') },
    );
    assert.deepEqual(await program.told(), [null, []]);
    const text = '{ "channel":"reader",\t"payload": "\\u00fc ü" }';
    const { query, channel } = gateway;
    await query('SELECT pg_notify($1, $2)', [channel, text]);
    assert.equal(await program.told(), text);
    assert.deepEqual(await program.told(), ['str', 'hello ü']);
    assert.deepEqual(await program.told(), ['str', 'one message ü']);
    assert.deepEqual(await program.told(), ['str', 'bytes ü']);
    assert.deepEqual(await program.told(), ['str', 60_003]);
    assert.equal(await program.told(), 'pong');
    assert.deepEqual(await program.told(), [4123, 'done']);
    await program.ended();
  });

  it('by the lines of the page comes back with a new address, and not after 4500', async () => {
    const sub = 'follower';
    const site = await startSite(scope, (asked) => urlFor(sub, asked === 1 ? 60 : 600));
    const program = startPython(
      scope,
      `
async def new_url():
    return ask_site()

async def on_message(socket, message):
    tell(json.loads(message)["payload"])

tell({"code": await follow(new_url, on_message)})
`,
      { SITE: site.url },
    );
    const started = (count: number): Promise<true> =>
      until(`session ${count}`, () => sessionsOf(sub, 'session_started') >= count || undefined);
    await started(1);
    await publish(gateway, sub, 'with the first token');
    assert.equal(await program.told(), 'with the first token');
    clock.pass(60_000);
    await started(2);
    await publish(gateway, sub, 'with the second');
    assert.equal(await program.told(), 'with the second');
    await gateway.query('SELECT postern.disconnect(sub => $1)', [sub]);
    await started(3);
    await publish(gateway, sub, 'after a disconnect');
    assert.equal(await program.told(), 'after a disconnect');
    await gateway.query('SELECT postern.revoke(sub => $1)', [sub]);
    assert.deepEqual(await program.told(), { code: 4500 });
    assert.equal(site.asked, 3);
    await program.ended();
  });

  it('by the lines of the page speaks postern.v1, and sees code and reason of its end', async () => {
    const program = startPython(
      scope,
      `
commands = [
    {"type": "subscribe", "channel": "speaker"},
    {"type": "publish", "channel": "speaker", "payload": {"text": "hello ü"}, "key": "once"},
    {"type": "publish", "channel": "elsewhere", "payload": 1},
]

async def on_message(message):
    tell(message)

try:
    await talk(option("URL"), option("TOKEN"), commands, on_message)
except websockets.ConnectionClosedError as closed:
    tell([closed.rcvd.code, closed.rcvd.reason])
`,
      { URL: `${gateway.wsUrl}/ws`, TOKEN: await tokenFor('speaker') },
    );
    const told: unknown[] = [];
    while (told.length < 5) told.push(await program.told());
    clock.pass(600_000);
    // It may be warned yet.
    while (!Array.isArray(told.at(-1))) told.push(await program.told());
    assert.deepEqual(told.at(-1), [3001, 'JWT expired']);
    const byType = (type: string) => told.filter((message) => Object(message).type === type);
    assert.equal(Object(told[0]).type, 'welcome');
    assert.deepEqual(Object(told[0]).channels, { speaker: 'rw' });
    assert.deepEqual(
      byType('ok').map((reply) => Object(reply).id),
      [1, 2],
    );
    assert.deepEqual(
      byType('error').map((reply) => [Object(reply).id, Object(reply).code]),
      [[3, 'scope_denied']],
    );
    assert.deepEqual(
      byType('message').map((message) => Object(message).payload),
      [{ text: 'hello ü' }],
    );
    await program.ended();
  });

  it('sees why it was refused: the status by the lines of the page, and the text', async () => {
    const program = startPython(
      scope,
      `
how = {}
if int(websockets.__version__.split(".")[0]) < 14:
    class Reading(websockets.WebSocketClientProtocol):
        async def read_http_response(self):
            status, headers = await super().read_http_response()
            if status != 101:
                tell((await self.reader.read()).decode())
            return status, headers

    how["create_protocol"] = Reading

async def attempt(url, **how):
    try:
        async with websockets.connect(url, **how):
            tell("open")
    except websockets.InvalidHandshake as error:
        status, text = refusal(error)
        if text is not None:
            tell(text)
        tell(status)

await attempt(option("FOREIGN"), **how)
await attempt(option("URL"), subprotocols=["postern.v1", "postern.bearer.a.b.c"], **how)
await attempt(option("URL"), **how)
`,
      {
        FOREIGN: (await urlFor('stranger')).replace('/stranger/', '/foreign/'),
        URL: `${gateway.wsUrl}/ws`,
      },
    );
    const told: unknown[] = [];
    while (told.length < 6) told.push(await program.told());
    assert.deepEqual(told, [
      'No allowed channels',
      400,
      'Token invalid: token_invalid',
      401,
      'Bad handshake: Sec-WebSocket-Protocol must offer postern.v1',
      400,
    ]);
    await program.ended();
  });
});
