import { describe, it } from 'node:test';
import type { Finding } from '#gateway/cli/doctor/check.js';
import { configurationChecks, readConfiguration } from '#gateway/cli/doctor/configuration.js';
import { configuredBy, isFinding, run } from './grounds.ts';

const tokens = { POSTERN_URL_TOKENS: 'true' };

type Row = readonly [string, Readonly<Record<string, string>>, Finding['status'], RegExp, RegExp?];

const rows: readonly Row[] = [
  ['variables', {}, 'ok', /is an option/],
  ['variables', { POSTERN_PROT: '1' }, 'warning', /POSTERN_PROT \(POSTERN_PORT\?\)/, /correct/],
  ['variables', { POSTERN_WHATEVER_ELSE: '1' }, 'warning', /POSTERN_WHATEVER_ELSE$/, /remove/],
  ['ways-in', tokens, 'ok', /path/],
  ['plain-text', tokens, 'warning', /on \*: whoever is in between/, /POSTERN_TLS_KEY/],
  ['plain-text', { ...tokens, POSTERN_HOST: 'localhost' }, 'ok', /do not leave this machine/],
  ['plain-text', { ...tokens, POSTERN_HOST: '127.0.0.1.evil.test' }, 'warning', /without TLS/],
  ['plain-text', { ...tokens, POSTERN_TLS_CERTIFICATE: 'x', POSTERN_TLS_KEY: 'x' }, 'ok', /by TLS/],
  ['plain-text', {}, 'ok', /no tokens/],
  ['open-channels', { POSTERN_OPEN_CHANNELS: 'true' }, 'warning', /any channel/, /false/],
  ['open-channels', {}, 'ok', /that it names|it names/],
  ['origins', {}, 'warning', /any web page/, /POSTERN_ALLOWED_ORIGINS/],
  ['origins', { POSTERN_ALLOWED_ORIGINS: 'https://a.test' }, 'ok', /https:\/\/a\.test/],
];

describe('A check of the configuration', () => {
  for (const [name, environment, status, found, mend] of rows)
    it(`${name} takes ${JSON.stringify(environment)} to be ${status}`, async () => {
      const finding = await run(configurationChecks, name, configuredBy(environment));
      isFinding(finding, status, found, mend);
    });

  it('says every problem, and has no ground for more then', () => {
    const environment = { POSTERN_PORT: 'hunter2', POSTERN_POOL_SIZE: '0' };
    const { finding, configured } = readConfiguration({ flags: {}, environment });
    isFinding(finding, 'problem', /^POSTERN_POOL_SIZE: [^]*\nPOSTERN_PORT: /, /correct each/);
    if (configured !== undefined) throw new Error('There is ground');
  });

  it('says that it is a compatibility start', () => {
    const environment = { PGWS_JWT_SECRET: 'x' };
    isFinding(readConfiguration({ flags: {}, environment }).finding, 'ok', /compatibility start/);
  });
});
