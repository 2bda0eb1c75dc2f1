import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { selfSignedCertificate } from '../../support/certificate.ts';
import type { Child, ChildOptions } from '../../support/child.ts';
import { startGateway } from '../../support/gateway.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { JumpingClock } from '../../support/jumping-clock.ts';
import { failOnLeaksTogether, ownScope } from '../../support/leaks.ts';
import { APP } from '../../support/preauth.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { startSite } from '../../support/site.ts';
import { publish } from '../../support/streams.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/wait.ts';
import { block, startShell } from './shell.ts';

const clock = new JumpingClock();
// Hooks run in their order: all of it has ended when it is counted what is left.
const scope = ownScope({ after });
failOnLeaksTogether();

let gateway: TestGateway;
let trusted: string;
before(async () => {
  const folder = await scratchFolder(scope);
  const { certificate, key } = selfSignedCertificate();
  trusted = join(folder, 'crt');
  await Promise.all([writeFile(trusted, certificate), writeFile(join(folder, 'key'), key)]);
  const environment = {
    POSTERN_TLS_CERTIFICATE: trusted,
    POSTERN_TLS_KEY: join(folder, 'key'),
    POSTERN_ALLOWED_ORIGINS: APP,
  };
  gateway = await startGateway(scope, { hooks: { clock }, environment });
});

/** Runs lines with what the page says that is set, and with what else they need. */
function run(
  lines: string,
  env: Readonly<Record<string, string>>,
  options: ChildOptions = {},
): Child {
  const GATEWAY = `https://127.0.0.1:${gateway.port}`;
  return startShell(scope, lines, {
    ...options,
    env: { GATEWAY, CURL_CA_BUNDLE: trusted, ...env },
  });
}

const tokenFor = (sub: string, seconds = 600): Promise<string> => {
  const exp = clock.inSeconds(seconds);
  return signToken({ mode: 'rw', channels: ['chat', 'room:1', sub], sub, iat: 1, exp });
};

interface Event {
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The events that curl has printed, each with its empty line. */
function eventsOf({ stdout }: Child): readonly Event[] {
  const parts = stdout.split('\n\n').slice(0, -1);
  return parts.flatMap((part) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1];
    const data = field('data');
    const message = data === undefined ? undefined : { ...JSON.parse(data) };
    return message === undefined ? [] : [{ id: field('id'), type: field('event'), message }];
  });
}

const printed = (child: Child, count: number): Promise<readonly Event[]> =>
  until(`${count} events`, () => {
    const events = eventsOf(child);
    return events.length >= count && events;
  });

const typesOf = (events: readonly Event[]) => events.map(({ type }) => type);

const payloadsOf = (events: readonly Event[]): readonly unknown[] =>
  events.filter(({ type }) => type === 'message').map(({ message }) => message['payload']);

describe('curl', () => {
  it('reads a stream until its token ends, and comes back to what it missed', async () => {
    const first = run(block('channel=chat&channel=room:1'), {
      TOKEN: await tokenFor('ada', 20),
    });
    await printed(first, 1);
    await publish(gateway, 'chat', 'hello ü\n');
    await publish(gateway, 'room:1', { n: 1 });
    await printed(first, 4);
    clock.pass(20_000);
    assert.deepEqual(await first.exited(), { code: 0, signal: undefined });
    const events = eventsOf(first);
    const types = ['welcome', 'expiring', 'message', 'message', 'expired'];
    assert.deepEqual(typesOf(events), types);
    assert.deepEqual(payloadsOf(events), ['hello ü\n', { n: 1 }]);
    const messages = events.filter(({ type }) => type === 'message');
    for (const { id, message } of messages) assert.equal(id, message['cursor']);
    assert.deepEqual(events.at(-1)?.message, {
      type: 'expired',
      code: 3001,
      reason: 'JWT expired',
      retry: 'new-token',
    });

    await publish(gateway, 'chat', 'missed');
    const again = run(block('$LAST'), {
      TOKEN: await tokenFor('ada'),
      LAST: messages[0]?.id ?? '',
    });
    await printed(again, 2);
    await gateway.query('SELECT postern.revoke(sub => $1)', ['ada']);
    assert.equal((await again.exited()).code, 0);
    assert.deepEqual(typesOf(eventsOf(again)), ['welcome', 'message', 'closed']);
    assert.deepEqual(payloadsOf(eventsOf(again)), ['missed']);
  });

  it('comes back by the lines of the page, with nothing lost and nothing twice, until it may not', async () => {
    const site = await startSite(scope, (asked) => tokenFor('bob', asked === 1 ? 60 : 600));
    const lines = block('until [[').replaceAll('channel=chat', 'channel=bob');
    const loop = run(`new_token() { curl -sS "$SITE"; }\n${lines}`, { SITE: site.url });
    const said = (): readonly Readonly<Record<string, unknown>>[] =>
      loop.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const toldOf = (type: string, count: number): Promise<unknown> =>
      until(`${type} ${count}`, () => said().filter((one) => one['type'] === type).length >= count);
    await toldOf('welcome', 1);
    for (const n of [1, 2]) await publish(gateway, 'bob', n);
    await toldOf('message', 2);
    clock.pass(60_000);
    await toldOf('expired', 1);
    for (const n of [3, 4]) await publish(gateway, 'bob', n);
    await toldOf('welcome', 2);
    await publish(gateway, 'bob', 5);
    await toldOf('message', 5);
    await gateway.query('SELECT postern.revoke(sub => $1)', ['bob']);
    assert.deepEqual(await loop.exited(), { code: 0, signal: undefined });
    assert.deepEqual(
      said().flatMap(({ payload }) => payload ?? []),
      [1, 2, 3, 4, 5],
    );
    assert.equal(said().at(-1)?.['code'], 4500);
    assert.equal(site.asked, 2);
  });

  it('says by its exit code when the connection broke, and when it was refused, and why', async () => {
    const proxy = await tcpProxy(scope, { port: gateway.port });
    const lines = block('channel=chat&channel=room:1');
    const cut = run(lines, {
      GATEWAY: `https://127.0.0.1:${proxy.port}`,
      TOKEN: await tokenFor('cut'),
    });
    await printed(cut, 1);
    proxy.cut();
    assert.match(String((await cut.exited()).code), /^(18|56)$/);

    const refused = run(lines, { TOKEN: await tokenFor('late', -1) });
    assert.equal((await refused.exited()).code, 22);
    assert.match(refused.stderr, /\b401\b/);
    const { type, title, status } = JSON.parse(refused.stdout);
    assert.deepEqual(
      [type, title, status],
      ['urn:postern:failure:token_expired', 'JWT expired', 401],
    );
  });

  it('sees why a handshake is refused, and that one is not', async () => {
    const lines = block('Connection: Upgrade');
    const late = run(lines, { TOKEN: await tokenFor('late', -1) });
    const open = run(`exec ${lines}`, { TOKEN: await tokenFor('early') });
    assert.equal((await late.exited()).code, 0);
    const [head = '', body] = late.stdout.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1.1 400 Bad Request\r\n/);
    assert.equal(body, 'Token expired');
    const isIn = ({ event, fields }: (typeof gateway.events)[number]): boolean =>
      event === 'session_started' && fields['user'] === 'early';
    await until('its session', () => gateway.events.some(isIn));
    // What curl has to print into a file or a pipe, head and all, it keeps until there is a body.
    await publish(gateway, 'chat', 'hello');
    await until('the message', () => open.stdout.endsWith('{"channel":"chat","payload":"hello"}'));
    assert.match(open.stdout, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  });

  it('gets what a page of the site gets, and is let in with it, and a foreign page gets why not', async () => {
    const cwd = await scratchFolder(scope);
    const options = { cwd, printsCredentials: true };
    const TOKEN = await tokenFor('page');
    const asked = run(block('-c cookies'), { TOKEN, ORIGIN: APP }, options);
    assert.equal((await asked.exited()).code, 0);
    const { user, csrfToken } = JSON.parse(asked.stdout);
    assert.equal(user, 'page');

    const lines = block('-b cookies');
    const CSRF = String(csrfToken);
    const stream = run(`exec ${lines}`, { ORIGIN: APP, CSRF }, options);
    const [welcome] = await printed(stream, 1);
    assert.deepEqual(welcome?.message['channels'], { chat: 'r' });

    const foreign = run(block('-c cookies'), { TOKEN, ORIGIN: 'https://evil.test' }, options);
    await foreign.exited();
    assert.equal(JSON.parse(foreign.stdout).type, 'urn:postern:failure:origin_denied');
  });
});
