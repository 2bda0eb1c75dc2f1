import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import {
  fileWith,
  gather,
  replaceFile,
  ROTATIONS,
  serveReady,
  statusOf,
  tokenBy,
} from '../support/rotation.ts';
import { keyPair } from '../support/tokens.ts';
import type { SignOptions } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const serveWith = (environment: Readonly<Record<string, string>>, args?: readonly string[]) =>
  serveReady(scope, { ...database, environment, args });

/** A key of somebody who issues tokens, and the two of them as a file while one follows the other. */
interface Generation {
  readonly signing: SignOptions;
  readonly published: unknown;
}

/** What keys are kept in, how one is made, and how several are written down. */
interface Keeping {
  readonly option: string;
  make(name: string): Generation;
  write(generations: readonly Generation[]): string;
}

const asSet = (generations: readonly Generation[]): string =>
  JSON.stringify({ keys: generations.map(({ published }) => published) });

const keepings: Readonly<Record<string, Keeping>> = {
  'secrets in a JWK set': {
    option: 'POSTERN_JWT_SECRET',
    make: (kid) => {
      const key = createSecretKey(randomBytes(32));
      const published = { ...key.export({ format: 'jwk' }), kid, alg: 'HS256' };
      return { signing: { key, header: { kid } }, published };
    },
    write: asSet,
  },
  'public keys as PEM': {
    option: 'POSTERN_JWT_SECRET',
    make: () => {
      const { privateKey, pem } = keyPair('ES256');
      return { signing: { alg: 'ES256', key: privateKey }, published: pem };
    },
    write: (generations) => generations.map(({ published }) => String(published)).join(''),
  },
  'public keys in a JWK set': {
    option: 'POSTERN_JWKS',
    make: (kid) => {
      const { privateKey, jwk } = keyPair('EdDSA', kid);
      return { signing: { alg: 'EdDSA', key: privateKey, header: { kid } }, published: jwk };
    },
    write: asSet,
  },
};

describe('Keys are changed under load', () => {
  for (const [name, { option, make, write }] of Object.entries(keepings)) {
    it(`${name}: no good token is refused, and no old one let in`, async (test) => {
      let current = make('0');
      const path = await fileWith(scope, write([current]));
      const { port, child, count } = await serveWith({
        POSTERN_JWT_SECRET: '',
        [option]: `@${path}`,
      });
      const stay = await WsClient.connect(
        `ws://127.0.0.1:${port}/${await tokenBy(current.signing)}`,
      );
      scope.after(() => Promise.resolve(stay.terminate()));

      const crowd = gather(async () => statusOf(port, await tokenBy(current.signing)));
      for (let n = 1; n <= ROTATIONS; n += 1) {
        const [old, next] = [current, make(String(n))];
        await put(write([old, next]));
        current = next;
        const oldToken = await tokenBy(old.signing);
        assert.equal(await statusOf(port, oldToken), 101);
        await put(write([next]));
        assert.equal(await statusOf(port, oldToken), 400);
      }
      const statuses = await crowd.leave();
      test.diagnostic(`${ROTATIONS} rotations, ${statuses.length} handshakes meanwhile`);
      assert.ok(statuses.length > ROTATIONS, `${statuses.length} handshakes`);
      assert.deepEqual(new Set(statuses), new Set([101]));

      // Who is in stays, whichever key it came by.
      stay.send('still here');
      assert.match(await stay.message(), /"payload":"still here"/);

      /** Replaces the file, and waits until that is in force. */
      async function put(text: string): Promise<void> {
        const before = count(/"event":"reloaded"/);
        await replaceFile(path, text);
        child.signal('SIGHUP');
        await until('other keys', () => count(/"event":"reloaded"/) > before);
      }
    });
  }
});
