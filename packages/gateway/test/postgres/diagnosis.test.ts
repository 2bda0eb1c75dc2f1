import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GatewayError } from '#gateway/errors.js';
import { hopeless, lacksTls, reasonOf } from '#gateway/postgres/diagnosis.js';

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
