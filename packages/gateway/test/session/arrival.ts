import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { createAdmission } from '#gateway/session/admission.js';
import type { Admit, V1Visitor } from '#gateway/session/admission.js';
import { AuthWait } from '#gateway/session/auth-wait.js';
import type { Denial } from '#gateway/session/auth-wait.js';
import { Antechamber } from './antechamber.ts';
import { FakeSocket } from './fake-socket.ts';

/** The first message, and another. */
export const AUTH = '{"type":"auth","id":7,"token":"t"}';
export const PING = '{"type":"ping","id":8}';

export type Answer = V1Visitor | Denial;

/** A connection without a credential, and a door that answers when it is told to. */
export function arrive(rate = { perSecond: 0, burst: 1 }, given?: Admit) {
  const chamber = new Antechamber();
  const { clock, closeCodeOf, wheel, parts } = chamber;
  const admit = given ?? createAdmission(parts);
  const wait = new AuthWait({ clock, wheel, admit, rate, closeCodeOf, log: parts.log });
  const socket = new FakeSocket();
  const tokens: string[] = [];
  const denials: Denial[] = [];
  const door: { answer: (answer: Answer) => void; fail: (error: Error) => void } = {
    answer: () => assert.fail('Nobody has asked'),
    fail: () => assert.fail('Nobody has asked'),
  };
  const client = wait.add(socket, {
    authorize: (token) => {
      tokens.push(token);
      return new Promise<Answer>((resolve, reject) => {
        door.answer = resolve;
        door.fail = reject;
      });
    },
    denied: (denial) => void denials.push(denial),
  });
  const say = (text: string): void => client.receive(Buffer.from(text), 'text');
  /** The door has answered, and what comes of that has happened. */
  const answered = async (answer: Answer): Promise<void> => {
    door.answer(answer);
    await turn();
  };
  return { chamber, wait, socket, client, tokens, denials, door, say, answered };
}

/** What a socket was told, the session of a `welcome` left out. */
export function typesOf({ messages }: FakeSocket): readonly unknown[] {
  return messages.map((message) => Object(message).type);
}
