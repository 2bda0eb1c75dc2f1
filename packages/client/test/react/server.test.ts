import assert from 'node:assert/strict';
import { it } from 'node:test';

import { createClient } from '@postern/client';
import { PosternProvider, useChannel, useClient, useConnection } from '@postern/client/react';
import { createElement, Fragment, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { WebSocket } from 'ws';

function Room() {
  const { messages, gaps, error, isLive } = useChannel('room:1');
  const { name } = useConnection();
  return createElement(Fragment, {}, JSON.stringify({ messages, gaps, error, isLive, name }));
}

it('On a server, components show an empty channel, and nothing is opened', () => {
  let asked = 0;
  const client = createClient({
    url: 'https://rt.example.com',
    getToken: () => {
      asked += 1;
      return undefined;
    },
    WebSocket,
  });
  const app = createElement(
    StrictMode,
    {},
    createElement(PosternProvider, { client }, createElement(Room)),
  );
  assert.equal(
    renderToString(app).replaceAll('&quot;', '"'),
    '{"messages":[],"gaps":0,"isLive":false,"name":"idle"}',
  );
  assert.deepEqual([asked, client.state], [0, { name: 'idle' }]);
});

it('Without a provider, a hook says what is missing', () => {
  const Lost = () => useClient().state.name;
  assert.throws(() => renderToString(createElement(Lost)), /There is no <PosternProvider>/);
});
