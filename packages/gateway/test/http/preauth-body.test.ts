import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { failures } from '@postern/client/protocol';
import { readPreauthBody } from '#gateway/http/preauth-body.js';
import { posted } from './requests.ts';

const read = (...chunks: readonly (string | Buffer)[]) => {
  const request = posted([], chunks);
  request.push(null);
  return readPreauthBody(request);
};

const MALFORMED = { failure: failures.badMessage };
const TOO_LONG = { failure: failures.contentTooLarge };

describe('What a page asks for', () => {
  it('is nothing in particular in an empty body, and in an empty object', async () => {
    const nothing = { channels: undefined, embed: false, session: undefined };
    assert.deepEqual(await read(), nothing);
    assert.deepEqual(await read('{}'), nothing);
    assert.deepEqual(await read('{"toString":1,"more":[]}'), nothing);
  });

  it('is channels, an embed token, or that a session goes on', async () => {
    assert.deepEqual(await read('{"channels":["a","b:*","*"],"embed":true,"session":"x"}'), {
      channels: ['a', 'b:*', '*'],
      embed: true,
      session: 'x',
    });
    const none = { channels: [], embed: false, session: undefined };
    assert.deepEqual(await read('{"channels":[]}'), none);
  });

  it('is malformed where a member is of another type, or a channel can have no such name', async () => {
    for (const body of [
      '{"channels":{}}',
      '{"channels":[null]}',
      '{"channels":["a*"]}',
      '{"channels":["{sub}"]}',
      `{"channels":["${'x'.repeat(201)}"]}`,
      '{"embed":"true"}',
      '{"session":null}',
      '{"session":""}',
      '{}{}',
    ])
      assert.deepEqual(await read(body), MALFORMED, body);
    assert.deepEqual(await read(Buffer.from([0x22, 0xff, 0x22])), MALFORMED);
  });

  it('does not depend on how its bytes arrive', async () => {
    const body = Buffer.from(JSON.stringify({ channels: ['ä', 'room:*'], embed: true }));
    const whole = await read(body);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(body.length)), async (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), body.length];
        const chunks = at.slice(1).map((end, n) => body.subarray(at[n], end));
        assert.deepEqual(await read(...chunks.filter(({ length }) => length > 0)), whole);
      }),
    );
  });

  it('has 4 KiB, counted as they arrive', async () => {
    const filling = ' '.repeat(4_094);
    assert.deepEqual(await read('{}', filling), {
      channels: undefined,
      embed: false,
      session: undefined,
    });
    assert.deepEqual(await read('{}', filling, ' '), TOO_LONG);
    // No end is to come, and none is waited for.
    assert.deepEqual(await readPreauthBody(posted([], ['{}', `${filling} `])), TOO_LONG);
    assert.deepEqual(await readPreauthBody(posted([['Content-Length', '4097']])), TOO_LONG);
  });

  it('is not waited for without an end', async () => {
    assert.deepEqual(await readPreauthBody(posted([], ['{']), 10), { failure: failures.timeout });
    const left = posted([], ['{']);
    const reading = readPreauthBody(left);
    left.destroy();
    assert.deepEqual(await reading, MALFORMED);
  });

  it('is missed, and not taken for nothing, when somebody else has read it', async () => {
    const request = posted([], ['{}']);
    request.push(null);
    for await (const chunk of request) assert.ok(chunk);
    await assert.rejects(readPreauthBody(request), /before it came to the gateway/);
  });
});
