import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedOptions } from '#gateway/config/changes.js';
import { loadConfig } from '#gateway/config/load.js';

const optionsOf = (environment: Readonly<Record<string, string>>) =>
  loadConfig({ environment }).options;

describe('changedOptions', () => {
  it('names what differs, lists and secrets by what they hold', () => {
    const before = {
      POSTERN_JWT_SECRET: 'a secret of at least thirty-two bytes',
      POSTERN_ALLOWED_ORIGINS: 'https://app.test',
    };
    assert.deepEqual(changedOptions(optionsOf(before), optionsOf(before)), []);
    const after = {
      POSTERN_JWT_SECRET: 'another one of at least thirty-two bytes',
      POSTERN_ALLOWED_ORIGINS: 'https://app.test,https://www.app.test',
      POSTERN_ADMIN_TOKEN: 'sixteen-letters-at-least',
    };
    const changed = ['jwtSecret', 'allowedOrigins', 'adminToken'];
    assert.deepEqual(changedOptions(optionsOf(before), optionsOf(after)), changed);
    assert.deepEqual(changedOptions(optionsOf(after), optionsOf(before)), changed);
  });
});
