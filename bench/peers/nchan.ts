import { existsSync } from 'node:fs';

import { CHANNEL, nextTexts } from '../fan-out/texts.ts';
import { openPublisher, startDaemon, whyLacking } from './daemon.ts';
import type { Places } from './daemon.ts';
import { upgradeRequest } from './peer.ts';
import type { PeerKind } from './peer.ts';

/** Where Debian has it: `libnginx-mod-nchan`. */
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** nginx with nchan (C): one worker, published to by HTTP over one connection. */
export const nchan: PeerKind = {
  name: 'nchan',
  lacks: () => whyLacking('nginx') ?? (existsSync(MODULE) ? undefined : `there is no ${MODULE}`),
  start: async (scope) => {
    const { pid, port } = await startDaemon(scope, {
      program: 'nginx',
      configuration,
      args: ['-e', 'stderr', '-c'],
    });
    const publish = await openPublisher(scope, port);
    return {
      pid,
      entrance: { port, request: upgradeRequest('/subscribe') },
      publish: async (messages) => publish(nextTexts(messages).map(post).join('')),
    };
  },
};

function post(text: string): string {
  const head = `POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n`;
  return `${head}Content-Length: ${text.length}\r\n\r\n${text}`;
}

function configuration({ port, folder }: Places): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    load_module ${MODULE};
    daemon off;
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    worker_processes 1;
    worker_rlimit_nofile 20000;
    events { worker_connections 20000; }
    http {
      access_log off;
      keepalive_requests 1000000;
      keepalive_timeout 1h;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      server {
        listen 127.0.0.1:${port};
        location = /subscribe {
          nchan_subscriber websocket;
          nchan_subscriber_first_message newest;
          nchan_channel_id ${CHANNEL};
        }
        location = /publish { nchan_publisher; nchan_channel_id ${CHANNEL}; }
      }
    }`;
}
