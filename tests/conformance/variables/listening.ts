import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { selfSignedCertificate } from '../../support/certificate.ts';
import { handshake, request } from '../../support/exchange.ts';
import { roundTrip } from './program.ts';
import type { Program, Sentences, VariableTable } from './program.ts';

/** The variables of the port and of what is served there. */
export function listeningVariables(program: Program): VariableTable {
  return {
    PGWS_HOST: host(program),
    PGWS_PORT: port(program),
    PGWS_ROOT_PATH: rootPath(program),
    PGWS_CERTIFICATE_FILE: certificateFile(program),
    PGWS_KEY_FILE: keyFile(program),
  };
}

function host({ start }: Program): Sentences {
  const listensOn = async (given: string | undefined, addresses: readonly string[]) => {
    const { address, port: opened } = await start({ PGWS_HOST: given }).ready();
    assert.ok(addresses.includes(address), address);
    await roundTrip(opened);
  };
  // Where the machine has no IPv6, everything is all of IPv4.
  const everything = ['::', '0.0.0.0'];
  return {
    'is an address': () => listensOn('127.0.0.1', ['127.0.0.1']),
    'is all of IPv4 when nothing is said': () => listensOn(undefined, ['0.0.0.0']),
    'is all of IPv4 as *4': () => listensOn('*4', ['0.0.0.0']),
    'is all of IPv4 as !4': () => listensOn('!4', ['0.0.0.0']),
    'is everything as *': () => listensOn('*', everything),
    'is everything as *6': () => listensOn('*6', everything),
  };
}

function port({ start }: Program): Sentences {
  return {
    'is the port': async () => {
      const free = await freePort();
      assert.equal((await start({ PGWS_PORT: String(free) }).ready()).port, free);
      await roundTrip(free);
    },
    'is named, and not quoted, when it is none': async () => {
      const { child } = start({ PGWS_PORT: 'eighty' });
      assert.equal((await child.exited()).code, 2);
      assert.match(child.stderr, /PGWS_PORT: expected a whole number/);
      assert.doesNotMatch(child.stderr, /eighty/);
    },
  };
}

function rootPath({ start, folder, file }: Program): Sentences {
  return {
    'is the folder of the files that a plain GET is answered from': async () => {
      file('index.html', 'the index');
      file('page.txt', 'a page');
      const { port: opened } = await start({ PGWS_ROOT_PATH: folder }).ready();
      assert.equal((await request(opened, { target: '/' })).body, 'the index');
      assert.equal((await request(opened, { target: '/page.txt' })).body, 'a page');
      await roundTrip(opened);
    },
    'is no folder when nothing is said': async () => {
      const { port: opened } = await start({}).ready();
      assert.equal((await request(opened, { target: '/package.json' })).status, 404);
    },
  };
}

function certificateFile({ start, file }: Program): Sentences {
  return {
    'makes it speak TLS, with the key, and nothing else': async () => {
      const { certificate, key } = selfSignedCertificate();
      const { port: opened } = await start({
        PGWS_CERTIFICATE_FILE: file('cert.pem', certificate),
        PGWS_KEY_FILE: file('key.pem', key),
      }).ready();
      await roundTrip(opened, { ca: certificate });
      await assert.rejects(handshake(opened), /The connection ended/);
    },
    'needs the key': async () => {
      const { child } = start({ PGWS_CERTIFICATE_FILE: 'cert.pem' });
      assert.equal((await child.exited()).code, 2);
      assert.match(child.stderr, /one needs the other/);
    },
  };
}

function keyFile({ start, file, folder }: Program): Sentences {
  const refused = async (certificate: string, key: string): Promise<void> => {
    const { child } = start({ PGWS_CERTIFICATE_FILE: certificate, PGWS_KEY_FILE: key });
    assert.equal((await child.exited()).code, 2);
    assert.match(child.stderr, /readable PEM files that belong together/);
  };
  const certificate = () => file('cert.pem', selfSignedCertificate().certificate);
  return {
    'must belong to the certificate': () =>
      refused(certificate(), file('other-key.pem', selfSignedCertificate().key)),
    'must be there': () => refused(certificate(), join(folder, 'missing.pem')),
  };
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert(typeof address === 'object' && address !== null);
  return address.port;
}
