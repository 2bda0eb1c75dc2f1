import { once } from 'node:events';
import { createServer } from 'node:http';

import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/**
 * Starts an identity provider: it stands for the one that a company has, and knows nothing of postern. Tokens last
 * for so many seconds; pages of one origin may ask for them.
 */
export async function startIdentityProvider({ tokenSeconds, allowedOrigin }) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const kid = 'first';
  const jwks = JSON.stringify({
    keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }],
  });

  const answers = {
    'GET /jwks': () => jwks,
    // A real one asks who it is first, by its own login.
    'POST /token': () =>
      new SignJWT({ mode: 'r', channels: ['ticks'] })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(url)
        .setAudience('ticks.example')
        .setSubject('ada')
        .setIssuedAt()
        .setExpirationTime(`${tokenSeconds}s`)
        .sign(privateKey),
  };

  const server = createServer(async (request, response) => {
    const answer = answers[`${request.method} ${request.url}`];
    response.setHeader('Access-Control-Allow-Origin', allowedOrigin);
    response.setHeader('Cache-Control', 'no-store');
    if (answer === undefined) response.writeHead(404).end('Not found\n');
    else response.end(await answer());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://localhost:${server.address().port}`;
  return {
    url,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
