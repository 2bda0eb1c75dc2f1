import { createServer } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { selfSignedCertificate } from './certificate.ts';
import type { Scope } from './postgres.ts';

/** A real https server that publishes a JWK set. */
export interface Issuer {
  readonly url: string;
  /** What its clients must trust, as PEM. */
  readonly certificate: string;
  /** How it answers; a test may put another way in its place. */
  answer: RequestListener;
  /** From now on it publishes these keys. */
  publish(keys: readonly unknown[]): void;
  /** How often it was asked. */
  readonly requests: () => number;
}

/** Starts an issuer on a free port of 127.0.0.1; it publishes an empty set. */
export async function startIssuer(scope: Scope): Promise<Issuer> {
  const { certificate, key } = selfSignedCertificate();
  let requests = 0;
  const server = createServer({ cert: certificate, key }, (request, response) => {
    requests += 1;
    issuer.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const issuer: Issuer = {
    url: `https://127.0.0.1:${portOf(server.address())}/keys`,
    certificate,
    answer: (_request, response) => void response.end('{"keys":[]}'),
    publish: (keys) => {
      issuer.answer = (_request, response) => void response.end(JSON.stringify({ keys }));
    },
    requests: () => requests,
  };
  return issuer;
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
