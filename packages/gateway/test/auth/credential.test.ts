import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pathCredential } from '#gateway/auth/credential.js';

const rows: Readonly<Record<string, { channel: string | undefined; token: string } | undefined>> = {
  '/a.b.c': { channel: undefined, token: 'a.b.c' },
  '/chat/a.b.c': { channel: 'chat', token: 'a.b.c' },
  '/chat/a.b.c/': { channel: 'chat', token: 'a.b.c' },
  '/chat/a.b.c/more/and/%ff': { channel: 'chat', token: 'a.b.c' },
  '/ws/a.b.c': { channel: 'ws', token: 'a.b.c' },
  '/': { channel: undefined, token: '' },
  '/chat/': { channel: 'chat', token: '' },
  '//a.b.c': { channel: '', token: 'a.b.c' },
  '/room%3A1/t': { channel: 'room:1', token: 't' },
  '/a%2Fb/t': { channel: 'a/b', token: 't' },
  '/caf%C3%A9/t': { channel: 'café', token: 't' },
  '/a+b/t': { channel: 'a+b', token: 't' },
  '/100%2525/t': { channel: '100%25', token: 't' },
  '/%00/t': { channel: '\0', token: 't' },
  '/chat/%61.b.c': { channel: 'chat', token: '%61.b.c' },
  '/%zz/t': undefined,
  '/%/t': undefined,
  '/%4/t': undefined,
  '/%ff/t': undefined,
  '/%C3/t': undefined,
  '/%C0%AF/t': undefined,
  '/%ED%A0%80/t': undefined,
  '': undefined,
  '*': undefined,
  'chat/t': undefined,
  'http://host/chat/t': undefined,
};

describe('pathCredential', () => {
  for (const [path, credential] of Object.entries(rows))
    it(`reads ${JSON.stringify(path)} as ${JSON.stringify(credential) ?? 'nothing'}`, () => {
      assert.deepEqual(pathCredential(path), credential);
    });

  it('gives every channel back that a client encoded', () => {
    const token = fc.stringMatching(/^[\w.-]*$/);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), token, (channel, sent) => {
        const path = `/${encodeURIComponent(channel)}/${sent}`;
        assert.deepEqual(pathCredential(path), { channel, token: sent });
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        pathCredential(`/${path}`);
        pathCredential(path);
      }),
    );
  });
});
