import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { startNginx } from '../support/nginx.ts';
import { APP, preauth, refused, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import { said } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

describe('The nginx of the page on operating', () => {
  it('carries preauthentication and the handshake after it', async () => {
    const gateway = await startPreauth(scope, { POSTERN_PUBLIC_URL: APP });
    const { port, tlsPort, ca } = await startNginx(scope, gateway.port);
    const asked = request({
      host: '127.0.0.1',
      port: tlsPort,
      ca,
      agent: false,
      path: '/preauth',
      method: 'POST',
      headers: {
        Origin: APP,
        Authorization: `Bearer ${await signToken(SITE_CLAIMS)}`,
        'Content-Type': 'application/json',
        'X-Postern-Preauth': '1',
      },
    }).end('{}');
    const [answer]: IncomingMessage[] = await once(asked, 'response');
    assert.ok(answer);
    const { csrfToken, url } = JSON.parse(await text(answer));
    assert.equal(url, 'wss://app.test/ws');

    const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';');
    const client = await WsClient.connect(`wss://127.0.0.1:${tlsPort}/ws?csrf=${csrfToken}`, {
      ca,
      protocols: ['postern.v1'],
      headers: { Origin: APP, Cookie: cookie },
    });
    scope.after(() => Promise.resolve(client.terminate()));
    assert.equal((await said(client))['user'], 'ada');

    // Whatever the client says of TLS, nginx knows better.
    assert.equal(refused(await preauth(port)), '421 tls_required');
  });
});
