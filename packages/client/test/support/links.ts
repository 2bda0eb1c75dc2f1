import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import type { Answer } from '#client/answer.js';
import type { CredentialSource } from '#client/credentials.js';
import type { PosternError } from '#client/errors.js';
import { Link } from '#client/link.js';
import type { LinkParts } from '#client/link.js';
import type { ClientState } from '#client/state.js';
import { tokenSource } from '#client/token.js';

import { fakeSockets } from './fake-socket.ts';
import { pass, stopTime } from './time.ts';

const addresses = { socket: 'wss://rt.example.com/ws', preauth: '' };

/** Tokens, `jwt1` and so on, why each was wanted, and what the next wish is answered with instead. */
export function tokens() {
  const wishes: string[] = [];
  const tokenAnswers: ((outcome: string | PosternError) => void)[] = [];
  const how: { next: PosternError | 'token' | 'nothing' } = { next: 'token' };
  const source = tokenSource(addresses, ({ reason }, answer: Answer<string>) => {
    wishes.push(reason);
    tokenAnswers.push(answer);
    if (how.next === 'token') answer(`jwt${wishes.length}`);
    else if (how.next !== 'nothing') answer(how.next);
  });
  return { source, wishes, tokenAnswers, how };
}

/** A link whose gateway is the test, in a time that stands still, and all that it told. */
export function link(t: TestContext, parts: Partial<LinkParts> & { source: CredentialSource }) {
  stopTime(t);
  const sockets = fakeSockets();
  const states: ClientState[] = [];
  const told: string[] = [];
  const errors: PosternError[] = [];
  const subject = new Link({
    Socket: sockets.Socket,
    Other: undefined,
    backoff: { baseMs: 500, capMs: 30_000 },
    events: {
      onState: (state) => void states.push(state),
      onOpen: (_connection, { session }) => void told.push(`open ${session}`),
      onLost: () => void told.push('lost'),
      onStop: (error) => {
        told.push(`stop ${error.code}`);
        errors.push(error);
      },
      onAnnouncement: ({ type }) => void told.push(type),
    },
    ...parts,
  });
  return {
    link: subject,
    sockets,
    socket: sockets.last,
    states,
    told,
    errors,
    /** The names of the states since they were asked for last. */
    news: () => states.splice(0).map(({ name }) => name),
    /** Lets the wait pass that it is in. */
    waitOut: () => {
      const { state } = subject;
      if (state.name !== 'waiting') assert.fail(`it is not waiting, but ${state.name}`);
      pass(t, state.retryAt - Date.now() + 1);
    },
    /** The code of the error in the state, where there is one. */
    code: () => ('error' in subject.state ? subject.state.error?.code : undefined),
  };
}
