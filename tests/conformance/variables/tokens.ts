import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { keyPair, SECRET, signToken } from '../../support/tokens.ts';
import { pathOf } from '../targets.ts';
import { CHAT, roundTrip } from './program.ts';
import type { Program, Sentences, VariableTable } from './program.ts';

/** The variables of tokens, and of who is told that one was let in. */
export function tokenVariables(program: Program): VariableTable {
  return {
    PGWS_JWT_SECRET: jwtSecret(program),
    PGWS_JWT_SECRET_BASE64: jwtSecretBase64(program),
    PGWS_META_CHANNEL: metaChannel(program),
  };
}

function jwtSecret({ start, file }: Program): Sentences {
  return {
    'is a secret as text': async () => {
      await roundTrip((await start({ PGWS_JWT_SECRET: SECRET }).ready()).port);
    },
    'is read from a file after @, less the newline at its end': async () => {
      const { ready } = start({ PGWS_JWT_SECRET: `@${file('secret', `${SECRET}\n`)}` });
      await roundTrip((await ready()).port);
    },
    'is a JWK': async () => {
      const jwk = JSON.stringify({ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') });
      await roundTrip((await start({ PGWS_JWT_SECRET: jwk }).ready()).port);
    },
    'is a JWK set in a file, of which `kid` picks one': async () => {
      const pairs = ['ES256', 'EdDSA', 'PS256'].map((alg) => ({ alg, ...keyPair(alg, alg) }));
      const set = JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });
      const { port } = await start({ PGWS_JWT_SECRET: `@${file('set', set)}` }).ready();
      for (const { alg, privateKey } of pairs) {
        const token = await signToken(CHAT, { alg, key: privateKey, header: { kid: alg } });
        await roundTrip(port, { path: `/${token}` });
      }
    },
    'is refused when it is short, and not shown': async () => {
      const { child } = start({ PGWS_JWT_SECRET: 'hunter2-hunter2' });
      assert.equal((await child.exited()).code, 2);
      assert.match(child.stderr, /shorter than 32 bytes/);
      assert.doesNotMatch(child.stdout + child.stderr, /hunter2/);
    },
    'is not shown either when its file is not there': async () => {
      const { child } = start({ PGWS_JWT_SECRET: '@hunter2.txt' });
      assert.equal((await child.exited()).code, 2);
      assert.match(child.stderr, /PGWS_JWT_SECRET: the file it names cannot be read \(ENOENT\)/);
      assert.doesNotMatch(child.stdout + child.stderr, /hunter2/);
    },
  };
}

function jwtSecretBase64({ start }: Program): Sentences {
  const opens = async (yes: string): Promise<void> => {
    const key = randomBytes(40);
    const secret = key.toString('base64');
    const { ready } = start({ PGWS_JWT_SECRET: secret, PGWS_JWT_SECRET_BASE64: yes });
    await roundTrip((await ready()).port, { path: `/${await signToken(CHAT, { key })}` });
  };
  return {
    'says True that the secret is in base64': () => opens('True'),
    'says so as true, too': () => opens('true'),
    'says False that it is not': async () => {
      const key = randomBytes(40).toString('base64');
      const { ready } = start({ PGWS_JWT_SECRET: key, PGWS_JWT_SECRET_BASE64: 'False' });
      await roundTrip((await ready()).port, { path: `/${await signToken(CHAT, { key })}` });
    },
  };
}

function metaChannel({ start }: Program): Sentences {
  return {
    'is told of connections': async () => {
      const { port } = await start({ PGWS_META_CHANNEL: 'connections' }).ready();
      const path = await pathOf({ mode: 'rw', channel: 'connections' });
      assert.equal(JSON.parse(await roundTrip(port, { path })).event, 'ConnectionOpen');
    },
  };
}
