import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { encodeFrame, opcodes } from '../support/frames.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startPreauth } from '../support/preauth.ts';
import { keyPair } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { callAll } from './callers.ts';
import type { Call } from './callers.ts';
import { describeHandshakes } from './handshake-report.ts';
import { variantsFor } from './handshake-variants.ts';
import { environmentOf, measureHandshakes } from './handshakes.ts';

const scope = failOnLeaks();
const keys = { rsa: keyPair('RS256', 'rsa'), ec: keyPair('ES256', 'ec') };
const [bare, ...others] = variantsFor(keys);
const refused = others.filter(({ name }) => name.startsWith('refused'));
const preauths = others.filter(({ name }) => name === 'POST /preauth');
const waysIn = others.filter((variant) => ![...refused, ...preauths].includes(variant));

/** A gateway in this process, which says whom it let in. */
async function startCalled() {
  const environment = { ...environmentOf(keys), POSTERN_SINGLE_USE: 'true' };
  const { port, events } = await startPreauth(scope, environment);
  const second = Math.ceil(Date.now() / 1000);
  await until('tickets that count', () => Date.now() / 1000 > second);
  const count = (event: string): number => events.filter((entry) => entry.event === event).length;
  return { port, count };
}

describe('The bench of handshakes', () => {
  it('measures every way in, each as often as it was asked to', async (test) => {
    const report = await measureHandshakes(scope, {
      warmUpRounds: 0,
      rounds: 1,
      profiledRounds: 1,
      batch: 5,
    });
    test.diagnostic(describeHandshakes(report));

    assert.equal(report.rows.length, variantsFor(keys).length);
    for (const { name, handshakes, cpuMicros, perSecond, ratio, shares } of report.rows) {
      assert.equal(handshakes, 5, name);
      assert.ok(cpuMicros > 0 && perSecond > 0 && ratio > 0, name);
      const sum = Object.values(shares).reduce((all, share) => all + share, 0);
      assert.ok(Math.abs(sum - 1) < 1e-9, `the shares of ${name} are ${sum}`);
    }
  });

  it('counts those whom the gateway let in, and nobody else', async () => {
    const { port, count } = await startCalled();
    for (const [index, { name, calls }] of waysIn.entries()) {
      const { answers, hangUp } = await callAll(port, await calls(port, 5), 2);
      assert.equal(answers.length, 5, name);
      assert.equal(count('session_started'), 5 * (index + 1), name);
      await hangUp();
    }
    for (const { calls } of refused) await callAll(port, await calls(port, 5), 2);
    for (const { calls } of preauths) await callAll(port, await calls(port, 5), 2);
    assert.equal(count('session_started'), 5 * waysIn.length);
  });

  it('fails when a credential does not hold, whichever it is', async () => {
    const { port, count } = await startCalled();
    for (const { name, calls } of [...waysIn, ...preauths]) {
      const broken = (await calls(port, 3)).map(withBrokenCredential);
      await assert.rejects(
        callAll(port, broken, 2),
        /^Error: (Not (101|200), but HTTP\/1.1 4|101, but)/,
        name,
      );
    }
    assert.equal(count('session_started'), 0);
  });

  it('fails when a foreign page is let in as if it were none', async () => {
    const { port } = await startPreauth(scope, environmentOf(keys));
    const [call] = (await refused[0]?.calls(port, 1)) ?? [];
    assert.ok(call !== undefined);
    const request = Buffer.from(call.request.toString().replace('evil.test', 'app.test'));
    await assert.rejects(callAll(port, [{ ...call, request }], 1), /^Error: Not 403, but HTTP/);
  });

  it('fails when nobody answers', async () => {
    const calls = (await bare?.calls(0, 1)) ?? [];
    await assert.rejects(callAll(1, calls, 1), /^Error: Not 101: the connection broke/);
  });
});

/** Its signature begins with another character. */
function withBrokenCredential(call: Call): Call {
  const payload = JSON.stringify({ type: 'auth', id: 1, token: 'a.b.c' });
  if (call.follows !== undefined)
    return { ...call, follows: encodeFrame({ opcode: opcodes.text, payload }) };
  const request = call.request
    .toString('latin1')
    .replace(
      /(eyJ[\w-]+\.[\w-]+\.)(.)/,
      (_, signed, first) => signed + (first === 'A' ? 'B' : 'A'),
    );
  return { ...call, request: Buffer.from(request, 'latin1') };
}
