import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { failures } from '@postern/client/protocol';
import { isLoopbackHost } from '../loopback.ts';
import type { Exposition } from '../observe/exposition.ts';
import type { Log } from '../observe/log.ts';
import { answer, answerFailure } from './answer.ts';
import { onceASecond } from './once-a-second.ts';

/** What the admin port is made of. */
export interface AdminOptions {
  /** What whoever asks must send as a bearer; undefined: nothing, but by a name of this computer. */
  readonly token: () => string | undefined;
  readonly exposition: Exposition;
  readonly log: Log;
}

interface Denial {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const denials = {
  adminTokenWrong: {
    status: 401,
    text: 'Send POSTERN_ADMIN_TOKEN: Authorization: Bearer …\n',
    headers: { 'WWW-Authenticate': 'Bearer realm="postern admin"' },
  },
  adminHostDenied: {
    status: 421,
    text: 'Without POSTERN_ADMIN_TOKEN only http://localhost and http://127.0.0.1 are answered.\n',
  },
} as const satisfies Record<string, Denial>;

type DenialName = keyof typeof denials;

/** Builds the answers of the admin port: the metrics, and nothing else. Who may ask comes first. */
export function createAdmin({ token, exposition, log }: AdminOptions): RequestListener {
  const sayDenied = onceASecond((more, failure: DenialName, request: IncomingMessage) => {
    const { remoteAddress: address } = request.socket;
    log('admin_refused', { audit: true, outcome: 'refused', failure, address, more });
  });

  return (request, response) => {
    // No page of another site may have any of it as a picture, a script or a style.
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    const denial = denialOf(request, token());
    if (denial !== undefined) {
      sayDenied(denial, request);
      const { status, text, headers }: Denial = denials[denial];
      answer(response, status, text, headers);
    } else if ((request.url ?? '').split('?', 1)[0] !== '/metrics') {
      answerFailure(response, { failure: failures.notFound });
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      const headers = { Allow: 'GET, HEAD' };
      answerFailure(response, { failure: failures.methodNotAllowed, headers });
    } else {
      answerMetrics(response, exposition).catch((error: unknown) => {
        log('request_failed', { error });
        answerFailure(response, { failure: failures.internal });
      });
    }
  };
}

async function answerMetrics(response: ServerResponse, exposition: Exposition): Promise<void> {
  const text = await exposition.text();
  answer(response, 200, text, { 'Content-Type': exposition.contentType });
}

function denialOf({ headers }: IncomingMessage, token: string | undefined): DenialName | undefined {
  // Without a token whoever reaches the port may ask: it is bound to loopback then.
  if (token === undefined) return isLoopbackHost(headers.host) ? undefined : 'adminHostDenied';

  const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const isRight = given !== undefined && timingSafeEqual(digest(given), digest(token));
  return isRight ? undefined : 'adminTokenWrong';
}

/** As digests all tokens are of one length: how long the right one is, time does not tell either. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token, 'latin1').digest();
}
