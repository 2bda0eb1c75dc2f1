import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createClient } from '#client/es5.js';
import { PosternError } from '#client/errors.js';

/** Opens nothing. */
class NoSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  send(): void {}
  close(): void {}
}

/** A client that is closed already, and the errors that it tells of. */
function closedClient() {
  const errors: unknown[] = [];
  const client = createClient({
    url: 'wss://rt.example.com',
    WebSocket: NoSocket,
    getToken: () => undefined,
    onError: (error) => void errors.push(error),
  });
  client.close();
  return { channel: client.channel('chat'), errors };
}

describe('The client with callbacks', () => {
  it('tells whoever gives it a function why nothing was published, and nobody else', () => {
    const { channel, errors } = closedClient();
    const told: unknown[] = [];
    channel.publish(1, {}, (error) => told.push(error instanceof PosternError && error.code));
    assert.deepEqual([told, errors], [['closed'], []]);
  });

  it('reports what was not published where there is no function for it', () => {
    const { channel, errors } = closedClient();
    channel.publish(1);
    assert.deepEqual(
      errors.map((error) => error instanceof PosternError && error.code),
      ['closed'],
    );
  });

  it('reports what such a function throws', () => {
    const { channel, errors } = closedClient();
    const bug = new Error('a bug of the page');
    channel.publish(1, {}, () => {
      throw bug;
    });
    assert.deepEqual(errors, [bug]);
  });
});
