import assert from 'node:assert/strict';
import type { Profiler } from 'node:inspector';
import { describe, it } from 'node:test';

import { sharesOf } from './profile-shares.ts';

/** A stack, the outermost call first, each as `url#function`; and how often it was met. */
type Stack = readonly [frames: readonly string[], hits: number];

/** A profile in which no two stacks have a frame in common. */
function profileOf(stacks: readonly Stack[]): Profiler.Profile {
  let id = 0;
  const nodes = stacks.flatMap(([frames, hits]) =>
    frames.map((frame, depth) => {
      const [url = '', functionName = ''] = frame.split('#');
      id += 1;
      const isLeaf = depth === frames.length - 1;
      return {
        id,
        callFrame: { functionName, url, scriptId: '', lineNumber: 0, columnNumber: 0 },
        hitCount: isLeaf ? hits : 0,
        children: isLeaf ? [] : [id + 1],
      };
    }),
  );
  return { nodes, startTime: 0, endTime: 0 };
}

const shares = (...stacks: readonly Stack[]): Readonly<Record<string, number>> =>
  Object.fromEntries(sharesOf([profileOf(stacks)]));

const GATEWAY = 'file:///packages/gateway/dist';

describe('sharesOf', () => {
  it('gives a sample to the innermost part of the gateway that it comes from', () => {
    assert.deepEqual(
      shares([[`${GATEWAY}/http/upgrade.js#enter`, `${GATEWAY}/session/admission.js#enter`], 1]),
      { 'session and its admission': 1 },
    );
  });

  it('gives what Node and shared helpers do to who called them', () => {
    const opened = [
      `${GATEWAY}/auth/tickets.js#openCsrf`,
      `${GATEWAY}/auth/signed-token.js#openToken`,
    ];
    assert.deepEqual(shares([[...opened, 'node:internal/crypto/hash#digest'], 1]), {
      'CSRF token': 1,
    });
  });

  it('tells what different functions of one file do apart', () => {
    assert.deepEqual(
      shares(
        [[`${GATEWAY}/auth/tickets.js#openCookie`, `${GATEWAY}/auth/tickets.js#open`], 3],
        [[`${GATEWAY}/auth/tickets.js#mintCsrf`, `${GATEWAY}/auth/tickets.js#seal`], 1],
      ),
      { 'auth cookie': 0.75, 'making tickets': 0.25 },
    );
  });

  it('leaves out the time in which nothing was done, and calls the rest by its name', () => {
    assert.deepEqual(
      shares(
        [['#(idle)'], 90],
        [['#(garbage collector)'], 1],
        [['#(program)'], 1],
        [['node:net#x'], 2],
      ),
      { 'Node: TCP, HTTP, event loop': 0.75, 'garbage collection': 0.25 },
    );
  });

  it('is empty without a sample', () => {
    assert.deepEqual(shares(), {});
  });
});
