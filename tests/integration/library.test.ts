import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createGateway, GatewayError, loadConfig } from 'postern';
import type { EventName } from 'postern';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

describe('The package as a program imports it', () => {
  it('runs a gateway with a log and routes of the program’s own', async () => {
    const database = await freshDatabase(scope);
    const { options } = loadConfig({
      environment: {
        POSTERN_DATABASE_URL: database.url,
        POSTERN_DATABASE_CHANNEL: database.channel,
        POSTERN_JWT_SECRET: SECRET,
        POSTERN_URL_TOKENS: 'true',
        POSTERN_HOST: '127.0.0.1',
        POSTERN_PORT: '0',
      },
    });
    const events: EventName[] = [];
    const gateway = createGateway(options, {
      log: (event) => void events.push(event),
      handleRequest: (request, response) => {
        if (request.url !== '/hello') return false;
        response.end('from the program');
        return true;
      },
    });
    scope.after(() => gateway.stop());
    await gateway.start();

    const port = gateway.address?.port ?? 0;
    const answer = await fetch(`http://127.0.0.1:${port}/hello`);
    assert.equal(await answer.text(), 'from the program');
    assert.equal((await fetch(`http://127.0.0.1:${port}/other`)).status, 404);

    const token = await signToken({ mode: 'rw', channel: 'chat', exp: 2e9 });
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/${token}`);
    client.send('hello');
    assert.match(await client.message(), /"payload":"hello"/);
    await client.close();
    assert.deepEqual(events.slice(0, 3), ['listening', 'ready', 'session_started']);
  });

  it('throws errors that are told apart by their code', () => {
    assert.throws(
      () => loadConfig({ flags: { port: 'x' } }),
      (error) => error instanceof GatewayError && error.code === 'POSTERN_CONFIG',
    );
    assert.throws(
      () => createGateway(loadConfig({}).options),
      (error) => error instanceof GatewayError && /POSTERN_DATABASE_URL/.test(error.message),
    );
  });
});
