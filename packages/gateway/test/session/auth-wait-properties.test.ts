import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import fc from 'fast-check';
import type { Closing } from '#gateway/session/session.js';
import { ada } from './antechamber.ts';
import { arrive, AUTH, PING, typesOf } from './arrival.ts';
import type { Answer } from './arrival.ts';

/** What can happen to a connection. */
const STEPS = [
  'auth',
  'other',
  'binary',
  'ping',
  'pass',
  'late',
  'lose',
  'yes',
  'no',
  'end',
] as const;

describe('A connection that waits', () => {
  it('is a session, or denied, or gone: one of them, once, whatever happens in which order', async () => {
    const ends: readonly Closing[] = [failures.goingAway, failures.messageTooBig];
    const step = fc.constantFrom(...STEPS);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { chamber, wait, socket, client, tokens, denials, door, say, answered } = arrive();
        const answer = async (value: Answer): Promise<void> => {
          if (tokens.length > 0) await answered(value);
        };
        const act: Readonly<Record<(typeof STEPS)[number], () => unknown>> = {
          auth: () => say(AUTH),
          other: () => say(PING),
          binary: () => client.receive(Buffer.from(AUTH), 'binary'),
          ping: () => client.pinged(),
          pass: () => chamber.pass(1_000),
          late: () => chamber.pass(5_000),
          lose: () => client.lose(1006),
          yes: () => answer(ada),
          no: () => answer({ failure: failures.tokenInvalid }),
          end: () => ends.forEach((failure) => client.end(failure)),
        };
        for (const name of steps) await act[name]();
        if (tokens.length > 0) door.answer(ada);
        await turn();
        client.lose(1006);
        chamber.pass(10_000);

        const started = chamber.logged.filter(({ event }) => event === 'session_started').length;
        const ended = chamber.logged.filter(({ event }) => event === 'session_ended').length;
        assert.ok(tokens.length <= 1 && started + denials.length <= 1);
        assert.deepEqual([started, wait.size, chamber.registry.size], [ended, 0, 0]);
        assert.ok(socket.done.length <= 1);
        if (started === 0) assert.deepEqual(socket.messages, []);
        else assert.deepEqual(typesOf(socket).slice(0, 2), ['welcome', 'ok']);
      }),
      { numRuns: 300 },
    );
  });
});
