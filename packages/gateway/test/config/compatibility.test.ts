import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '#gateway/config/load.js';

const SECRET = 'a secret that is longer than thirty-two bytes';
const load = (environment: Record<string, string>) => loadConfig({ environment });

describe('A start with the variables of postgres-websockets', () => {
  it('behaves as the original did', () => {
    const { options, compatibilityStart } = load({ PGWS_JWT_SECRET: SECRET });
    assert.equal(compatibilityStart, true);
    assert.equal(options.jwtSecret?.reveal(), SECRET);
    assert.equal(options.urlTokens, true);
    assert.equal(options.openChannels, true);
    assert.equal(options.requireExp, false);
    assert.equal(options.maxConnectionAge, 0);
    assert.equal(options.handshakesPerAddress, 0);
    assert.equal(options.connectionsPerAddress, 0);
    assert.equal(options.connectionsPerUser, 0);
    assert.equal(options.connections, 0);
    assert.deepEqual(options.allowedHosts, ['*']);
    assert.equal(options.host, '*4');
    assert.equal(options.connectRetries, 5);
    assert.equal(options.onListenerLoss, 'exit');
  });

  it('gives every variable its meaning', () => {
    const { options } = load({
      PGWS_DB_URI: 'postgres://localhost/db',
      PGWS_POOL_SIZE: '3',
      PGWS_ROOT_PATH: './site',
      PGWS_LISTEN_CHANNEL: 'listener',
      PGWS_META_CHANNEL: 'meta',
      PGWS_HOST: '!6',
      PGWS_PORT: '4000',
      PGWS_JWT_SECRET: 'c2VjcmV0',
      PGWS_JWT_SECRET_BASE64: 'True',
      PGWS_RETRIES: '7',
      PGWS_CHECK_LISTENER_INTERVAL: '10000',
      PGWS_CERTIFICATE_FILE: 'cert.pem',
      PGWS_KEY_FILE: 'key.pem',
    });
    assert.equal(options.databaseUrl?.reveal(), 'postgres://localhost/db');
    assert.equal(options.poolSize, 3);
    assert.equal(options.staticRoot, './site');
    assert.equal(options.databaseChannel, 'listener');
    assert.equal(options.metaChannel, 'meta');
    assert.equal(options.host, '!6');
    assert.equal(options.port, 4000);
    assert.equal(options.jwtSecret?.reveal(), 'c2VjcmV0');
    assert.equal(options.jwtSecretBase64, true);
    assert.equal(options.connectRetries, 7);
    assert.equal(options.listenerCheckSeconds, 10);
    assert.equal(options.onListenerLoss, 'reconnect');
    assert.equal(options.tlsCertificate, 'cert.pem');
    assert.equal(options.tlsKey, 'key.pem');
  });

  it('really disables the check of the listener with 0, and stays alive without it', () => {
    const { options } = load({ PGWS_JWT_SECRET: SECRET, PGWS_CHECK_LISTENER_INTERVAL: '0' });
    assert.equal(options.listenerCheckSeconds, 0);
    assert.equal(options.onListenerLoss, 'reconnect');
  });

  it('tries at least once with 0 retries, where 0 of ours means for ever', () => {
    assert.equal(load({ PGWS_RETRIES: '0' }).options.connectRetries, 1);
    assert.equal(load({ POSTERN_CONNECT_RETRIES: '0' }).options.connectRetries, 0);
  });

  it('gives way to whatever is said in our own variables', () => {
    const { options } = load({
      PGWS_JWT_SECRET: SECRET,
      PGWS_CHECK_LISTENER_INTERVAL: '10000',
      POSTERN_LISTENER_CHECK_SECONDS: '2',
      POSTERN_ON_LISTENER_LOSS: 'exit',
      POSTERN_REQUIRE_EXP: 'true',
      POSTERN_OPEN_CHANNELS: 'false',
    });
    assert.equal(options.listenerCheckSeconds, 2);
    assert.equal(options.onListenerLoss, 'exit');
    assert.equal(options.requireExp, true);
    assert.equal(options.openChannels, false);
  });

  for (const name of ['POSTERN_JWT_SECRET', 'POSTERN_JWT_SECRET_FILE', 'POSTERN_JWKS'])
    it(`is no such start when ${name} is set: the safe defaults hold`, () => {
      const environment = { PGWS_JWT_SECRET: SECRET, [name]: '/dev/null' };
      if (name !== 'POSTERN_JWT_SECRET_FILE') environment[name] = SECRET;
      const outcome = () => load(environment).options;
      // An empty file is no secret, but it was ours that was asked for.
      if (name === 'POSTERN_JWT_SECRET_FILE') assert.throws(outcome, /POSTERN_JWT_SECRET_FILE/);
      else assert.equal(outcome().openChannels, false);
    });
});
