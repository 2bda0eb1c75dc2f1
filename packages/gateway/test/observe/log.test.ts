import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { GatewayError } from '#gateway/errors.js';
import { events } from '#gateway/observe/events.js';
import { countProblems, createLog } from '#gateway/observe/log.js';
import { Meters } from '#gateway/observe/meters.js';

function record(level: 'trace' | 'info' | 'error' | 'silent', format: 'json' | 'pretty' = 'json') {
  const lines: string[] = [];
  const destination = new Writable({
    decodeStrings: false,
    write: (line: unknown, _encoding, done) => {
      lines.push(String(line));
      done();
    },
  });
  return { lines, log: createLog({ level, format, destination }) };
}

/** As an embedder's own code may write it into an error. */
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.bm90LWEtc2lnbmF0dXJl';

describe('createLog', () => {
  it('writes one JSON line per event: time, level of the table, name, fields', () => {
    const { lines, log } = record('info');
    log('session_ended', { session: 'abc', code: 3001 });

    assert.equal(lines.length, 1);
    const entry: unknown = JSON.parse(lines[0] ?? '');
    assert.ok(typeof entry === 'object' && entry !== null);
    const { time, ...rest } = { time: undefined, ...entry };
    assert.ok(!Number.isNaN(Date.parse(String(time))));
    assert.deepEqual(rest, {
      level: 'info',
      name: 'postern',
      session: 'abc',
      code: 3001,
      event: 'session_ended',
    });
  });

  it('leaves out what lies below the level', () => {
    const { lines, log } = record('info');
    log('socket_error', { error: new Error('x') });
    assert.deepEqual(lines, []);
    const silent = record('silent');
    silent.log('handshake_failed');
    assert.deepEqual(silent.lines, []);
  });

  it('writes audit lines whatever the level, unless it is silent', () => {
    const { lines, log } = record('error');
    log('handshake_refused', { audit: true, outcome: 'refused' });
    log('handshake_refused', { outcome: 'not marked' });
    log('session_started');
    assert.equal(lines.length, 1);
    assert.match(
      lines.join(),
      /"level":"info".*"audit":true,"outcome":"refused".*handshake_refused/,
    );

    const silent = record('silent');
    silent.log('handshake_refused', { audit: true, outcome: 'refused' });
    assert.deepEqual(silent.lines, []);
  });

  it('counts what an operator is to look at, written or not', () => {
    const meters = new Meters({ version: '1', node: '2' });
    const { lines, log } = record('silent');
    const counting = countProblems(log, meters);
    for (const event of ['listener_lost', 'listener_lost', 'session_ended'] as const)
      counting(event);
    assert.deepEqual(lines, []);
    assert.equal(meters.counter('problems', { event: 'listener_lost' }).value, 2);
    assert.throws(() => meters.counter('problems', { event: 'session_ended' }));
  });

  it('says of an error its code, its message and its cause', () => {
    const { lines, log } = record('trace');
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    log('handshake_failed', { error: new GatewayError('POSTERN_DATABASE', { cause }) });
    assert.match(lines.join(), /POSTERN_DATABASE.*ECONNREFUSED/);
  });

  it('names the type of what was thrown and is no error, and not its value', () => {
    const { lines, log } = record('trace');
    log('handshake_failed', { error: 'hunter2' });
    assert.match(lines.join(), /"error":"string"/);
  });

  it('hides what slips in under the name of a credential', () => {
    const { lines, log } = record('trace');
    const names = ['authorization', 'cookie', 'csrf', 'password', 'path', 'secret', 'token', 'url'];
    for (const name of names)
      log('handshake_refused', { [name]: 'hunter2', nested: { [name]: 'hunter2' } });
    assert.equal(lines.length, 8);
    assert.doesNotMatch(lines.join(), /hunter2/);
  });

  for (const format of ['json', 'pretty'] as const) {
    it(`hides a token in the text of an error, its stack and its causes, as ${format}`, () => {
      const { lines, log } = record('trace', format);
      const cause = new Error(`"${TOKEN}" is not what I expected`);
      const error = new Error(`GET /ws?csrf=${TOKEN}&x=1`, { cause });
      log('authenticate_failed', { error, list: [{ deep: [`Bearer ${TOKEN}`] }] });
      for (const part of TOKEN.split('.')) assert.ok(!lines.join().includes(part), part);
      assert.match(lines.join(), /csrf=\[redacted\]&x=1/);
    });
  }

  it('hides a token in what an operator gives as the reason', () => {
    const { log, lines } = record('info');
    log('sessions_disconnected', { sessions: 1, reason: `she showed ${TOKEN} to all` });
    assert.match(lines.join(), /"reason":"she showed \[redacted\] to all"/);
  });

  it('is readable for people when asked to be', () => {
    const { lines, log } = record('info', 'pretty');
    log('listening', { port: 3000 });
    assert.match(lines.join(), /INFO.*listening/);
    assert.throws(() => void JSON.parse(lines.join()));
  });

  it('has a meaning for every event', () => {
    for (const [name, { meaning }] of Object.entries(events)) assert.match(meaning, /\.$/, name);
  });
});
