import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayError } from '#gateway/errors.js';
import { diagnose, hopeless, lacksTls, reasonOf } from '#gateway/postgres/diagnosis.js';

function failure(code: string, message = 'about secret-host'): Error {
  return Object.assign(new Error(message), { code });
}

describe('hopeless', () => {
  const mended: readonly (readonly [code: string, mend: RegExp])[] = [
    ['28P01', /correct user and password/],
    ['28000', /pg_hba\.conf/],
    ['3D000', /create it/],
    ['42501', /GRANT CONNECT/],
    ['CERT_HAS_EXPIRED', /expired/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /sslrootcert/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another host/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /sslrootcert/],
    ['UNABLE_TO_GET_ISSUER_CERT', /sslrootcert/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /sslrootcert/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /sslrootcert/],
  ];
  for (const [code, mend] of mended) {
    it(`ends for ${code}, names the mend, and keeps the origin as the cause only`, () => {
      const origin = failure(code);
      const end = hopeless(origin);
      assert.equal(end?.code, 'POSTERN_DATABASE');
      assert.match(end.message, mend);
      assert.doesNotMatch(end.message, /secret/);
      assert.equal(end.cause, origin);
    });
  }

  it('ends when there is no password to prove, which comes without a code', () => {
    const origin = new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string');
    assert.match(hopeless(origin)?.message ?? '', /password/);
  });

  it('ends when TLS is required of a server without', () => {
    const origin = new Error('The server does not support SSL connections');
    assert.ok(lacksTls(origin));
    assert.match(hopeless(origin)?.message ?? '', /sslmode/);
  });

  it('hands on what has been decided already', () => {
    const decided = new GatewayError('POSTERN_DATABASE', { detail: 'it is a read replica' });
    assert.equal(hopeless(decided), decided);
  });

  it('leaves hope for what may pass by itself', () => {
    const passing = [
      failure('ECONNREFUSED'),
      failure('ECONNRESET'),
      failure('ETIMEDOUT'),
      failure('ENOTFOUND'),
      failure('EAI_AGAIN'),
      failure('57P03'),
      failure('57P01'),
      failure('53300'),
      failure('08P01'),
      new Error('Connection terminated unexpectedly'),
      'no error at all',
      undefined,
    ];
    for (const error of passing) assert.equal(hopeless(error), undefined, reasonOf(error));
  });
});

describe('reasonOf', () => {
  it('is the code, and nothing of a message that could hold input', () => {
    assert.equal(reasonOf(failure('22P05', 'character 😀 has no equivalent')), '22P05');
  });

  it('is the text of errors that have no code', () => {
    assert.equal(reasonOf(new Error('timeout expired')), 'timeout expired');
    assert.equal(reasonOf('text'), 'unknown');
  });

  it('is the whole text of an error of ours, which is constant', () => {
    const error = new GatewayError('POSTERN_DATABASE', { detail: 'it is a read replica' });
    assert.match(reasonOf(error), /read replica/);
  });
});

describe('diagnose', () => {
  const known: readonly (readonly [string, Error, RegExp, RegExp])[] = [
    ['a wrong password', failure('28P01'), /password was refused/, /correct user and password/],
    ['a closed port', failure('ECONNREFUSED'), /nothing listens/, /see that it runs/],
    ['an unknown name', failure('ENOTFOUND'), /name is not known/, /correct the host/],
    ['a name service away', failure('EAI_AGAIN'), /does not answer/, /name service/],
    ['no socket', failure('ENOENT'), /socket is not there/, /see that it runs/],
    ['a full server', failure('53300'), /no connection left/, /max_connections/],
    ['a server that starts', failure('57P03'), /starting up/, /in a moment/],
    ['a connection timeout', new Error('timeout expired'), /not answer in time/, /firewall/],
    ['a late answer', new Error('no answer within 5000 ms'), /not answer in time/, /stopped/],
    ['anything else', failure('EWHATEVER'), /cannot be reached \(EWHATEVER\)/, /names it/],
  ];
  for (const [what, error, found, mend] of known)
    it(`says what ${what} is and what mends it, and nothing of the error's text`, () => {
      const diagnosis = diagnose(error);
      assert.match(diagnosis.found, found);
      assert.match(diagnosis.mend, mend);
      assert.doesNotMatch(`${diagnosis.found}${diagnosis.mend}`, /secret/);
    });

  it('tells finding and mend of a detail apart', () => {
    const detail = 'it is a read replica; name the primary; soon';
    const found = diagnose(new GatewayError('POSTERN_DATABASE', { detail }));
    assert.deepEqual(found, { found: 'it is a read replica', mend: 'name the primary; soon' });
  });
});
