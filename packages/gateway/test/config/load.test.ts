import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '#gateway/config/load.js';
import { optionRows } from '#gateway/config/options.js';
import { GatewayError } from '#gateway/errors.js';
import { createClientAddress } from '#gateway/http/client-ip.js';

const folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const load = (environment: Record<string, string>, flags: Record<string, string> = {}) =>
  loadConfig({ environment, flags });

function problemsOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    assert.equal(error.code, 'POSTERN_CONFIG');
    return error.message;
  }
  return assert.fail('no error was thrown');
}

describe('loadConfig', () => {
  it('has the documented defaults when nothing is said', () => {
    const { options, compatibilityStart, unknownVariables } = load({});
    assert.equal(options.port, 3000);
    assert.equal(options.host, '*');
    assert.equal(options.databaseChannel, 'postgres-websockets-listener');
    assert.equal(options.requireExp, true);
    assert.equal(options.urlTokens, false);
    assert.equal(options.openChannels, false);
    assert.equal(options.maxConnectionAge, 86_400);
    assert.equal(options.listenerCheckSeconds, 10);
    assert.equal(options.onListenerLoss, 'reconnect');
    assert.equal(options.connectRetries, 0);
    assert.equal(compatibilityStart, false);
    assert.deepEqual(unknownVariables, []);
  });

  it('tells every file that something came from, once', () => {
    const secret = file('secret', 'x'.repeat(40));
    const certificate = file('certificate', '');
    const config = file('files.json', JSON.stringify({ metaChannel: `@${secret}` }));
    const { files } = load(
      {
        POSTERN_JWT_SECRET_FILE: secret,
        POSTERN_TLS_CERTIFICATE: certificate,
        POSTERN_TLS_KEY: certificate,
        POSTERN_ADMIN_TOKEN: 'sixteen-letters!',
      },
      { config },
    );
    assert.deepEqual(files.toSorted(), [certificate, config, secret].toSorted());
  });

  it('prefers flags to the environment, the environment to the file, the file to defaults', () => {
    const config = file('all.json', '{ "port": 1, "poolSize": 2, "metaChannel": "meta" }');
    const { options } = load(
      { POSTERN_PORT: '10', POSTERN_POOL_SIZE: '20' },
      { config, port: '100' },
    );
    assert.equal(options.port, 100);
    assert.equal(options.poolSize, 20);
    assert.equal(options.metaChannel, 'meta');
  });

  it('prefers its own variables to DATABASE_URL and that to PGWS_DB_URI', () => {
    const all = { POSTERN_DATABASE_URL: 'a', DATABASE_URL: 'b', PGWS_DB_URI: 'c' };
    assert.equal(load(all).options.databaseUrl?.reveal(), 'a');
    const { POSTERN_DATABASE_URL: _, ...aliases } = all;
    assert.equal(load(aliases).options.databaseUrl?.reveal(), 'b');
  });

  it('reads a file for a value that starts with @, wherever it stands, and for a variable in _FILE', () => {
    const path = file('secret', 'a secret of more than thirty-two bytes\n');
    const expected = 'a secret of more than thirty-two bytes';
    assert.equal(load({ POSTERN_JWT_SECRET: `@${path}` }).options.jwtSecret?.reveal(), expected);
    assert.equal(load({ POSTERN_JWT_SECRET_FILE: path }).options.jwtSecret?.reveal(), expected);
    assert.equal(load({}, { 'jwt-secret': `@${path}` }).options.jwtSecret?.reveal(), expected);
    const config = file('named.json', JSON.stringify({ jwtSecret: `@${path}`, poolSize: 3 }));
    assert.equal(load({}, { config }).options.jwtSecret?.reveal(), expected);
  });

  it('reports every problem at once, by the name it was set with and without the value', () => {
    const message = problemsOf(() =>
      load(
        {
          POSTERN_PORT: 'hunter2',
          PGWS_POOL_SIZE: '-1',
          POSTERN_ALLOWED_ORIGINS: 'https://*.hunter2.test',
          POSTERN_JWT_SECRET_FILE: '/nowhere/hunter2',
          POSTERN_TLS_KEY: 'hunter2.pem',
        },
        { 'on-listener-loss': 'hunter2' },
      ),
    );
    for (const name of [
      'POSTERN_PORT',
      'PGWS_POOL_SIZE',
      'POSTERN_ALLOWED_ORIGINS',
      'POSTERN_JWT_SECRET_FILE',
      'POSTERN_TLS_CERTIFICATE',
      '--on-listener-loss',
    ])
      assert.match(message, new RegExp(`^ +${name}`, 'm'), `${name} is reported`);
    assert.doesNotMatch(message, /hunter2/);
  });

  it('refuses an option that does not exist in the file, and a file that is no object', () => {
    assert.match(
      problemsOf(() => load({}, { config: file('typo.json', '{ "prot": 1 }') })),
      /prot: no such option/,
    );
    for (const text of ['[]', 'null', '"x"', '{'])
      assert.match(
        problemsOf(() => load({}, { config: file('bad.json', text) })),
        /--config/,
      );
    assert.match(
      problemsOf(() => load({}, { config: join(folder, 'absent.json') })),
      /--config/,
    );
  });

  it('takes an empty variable as none: it switches no limit off', () => {
    assert.equal(load({ POSTERN_QUEUE_BYTES: '' }).options.queueBytes, 1_048_576);
    assert.match(
      problemsOf(() => load({}, { 'queue-bytes': ' ' })),
      /--queue-bytes: expected a whole number/,
    );
  });

  it('names variables that are no option', () => {
    const { unknownVariables } = load({ POSTERN_PROT: '1', POSTERN_PORT_FILE: '', OTHER: '2' });
    assert.deepEqual(unknownVariables, ['POSTERN_PROT']);
  });

  it('understands true and false in the ways people write them', () => {
    for (const yes of ['true', 'True', 'TRUE', '1', 'yes', 'on'])
      assert.equal(load({ POSTERN_URL_TOKENS: yes }).options.urlTokens, true, yes);
    for (const no of ['false', 'False', '0', 'no', 'off'])
      assert.equal(load({ POSTERN_REQUIRE_EXP: no }).options.requireExp, false, no);
    assert.match(
      problemsOf(() => load({ POSTERN_URL_TOKENS: 'perhaps' })),
      /POSTERN_URL_TOKENS: expected true or false/,
    );
  });

  it('takes exact origins of any scheme and nothing else', () => {
    const good = 'https://app.test,http://localhost:5173,app://x,capacitor://localhost';
    assert.deepEqual(
      load({ POSTERN_ALLOWED_ORIGINS: good }).options.allowedOrigins,
      good.split(','),
    );
    for (const bad of [
      'null',
      '*',
      'https://*.app.test',
      'https://app.test/',
      'https://app.test/path',
      'app.test',
      'https://APP.test',
      'https://app.test:443',
      'https://user@app.test',
    ])
      assert.throws(() => load({ POSTERN_ALLOWED_ORIGINS: bad }), GatewayError, bad);
  });

  it('refuses a channel name that PostgreSQL would cut short', () => {
    const load63 = (name: string) => load({ POSTERN_DATABASE_CHANNEL: name });
    assert.equal(load63('x'.repeat(63)).options.databaseChannel.length, 63);
    assert.match(
      problemsOf(() => load63('é'.repeat(32))),
      /POSTERN_DATABASE_CHANNEL: expected at most 63 bytes/,
    );
  });

  it('takes every option from environment and flag under the names that the table gives it', () => {
    for (const row of optionRows) {
      const environment = { [row.env]: 'x\0y' };
      const outcome = (work: () => unknown) => {
        try {
          return JSON.stringify(work());
        } catch (error) {
          return String(error).replaceAll(/POSTERN_[A-Z0-9_]+|--[a-z0-9-]+/g, 'NAME');
        }
      };
      assert.equal(
        outcome(() => load(environment).options),
        outcome(() => load({}, { [row.flag]: 'x\0y' }).options),
      );
      assert.notEqual(
        outcome(() => load(environment).options),
        outcome(() => load({}).options),
        `${row.env} has an effect`,
      );
    }
  });
});

describe('POSTERN_ALLOWED_HOSTS', () => {
  const allowed = (value: string) => load({ POSTERN_ALLOWED_HOSTS: value }).options.allowedHosts;

  it('takes names and addresses, with a port or without, and all of them', () => {
    const all = ['ws.test', 'WS.test:8443', '192.0.2.1', '[2001:db8::1]:443', '*'];
    assert.deepEqual(allowed(all.join(', ')), all);
  });

  it('refuses what is no Host', () => {
    for (const value of [
      'https://ws.test',
      'ws.test/',
      '*.ws.test',
      'a@ws.test',
      '::1',
      '[::g]',
      'ws.test:',
      'ws.test:99999',
      'a b',
    ])
      assert.match(
        problemsOf(() => allowed(value)),
        /POSTERN_ALLOWED_HOSTS: expected hosts such as/,
        value,
      );
  });
});

describe('POSTERN_TRUSTED_PROXIES', () => {
  const trusted = (value: string) =>
    load({ POSTERN_TRUSTED_PROXIES: value }).options.trustedProxies;

  it('takes addresses and CIDR blocks', () => {
    const all = [
      '10.0.0.0/8',
      '192.0.2.1',
      '2001:db8::/32',
      '::1',
      '::ffff:10.0.0.1',
      '1.2.3.4/32',
      '::/128',
    ];
    assert.deepEqual(trusted(all.join(', ')), all);
    assert.deepEqual(trusted(''), []);
  });

  it('refuses names, masks, blocks of everybody and whatever else, without repeating it', () => {
    const wrong = [
      'proxy.test',
      'loopback',
      '10.0.0.0/255.0.0.0',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.0/08',
      '10.0.0.0/33',
    ];
    for (const value of [
      ...wrong,
      '::/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '010.0.0.1',
      '10.0.0',
      '*',
      'fe80::1%eth0',
      '10.0.0.0/-1',
      '10.0.0.0/1e1',
    ]) {
      const message = problemsOf(() => trusted(value));
      assert.match(message, /POSTERN_TRUSTED_PROXIES: expected IP addresses or CIDR blocks/, value);
      assert.ok(!message.includes(`: ${value}`));
    }
  });

  it('takes nothing that proxy-addr would not', () => {
    for (const value of trusted('10.0.0.0/8,::ffff:10.0.0.0/104,::1,1.2.3.4/1,::/1'))
      createClientAddress({ trustedProxies: [value], log: () => {} });
  });
});
