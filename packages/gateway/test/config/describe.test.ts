import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  optionHelp,
  optionTables,
  printConfig,
  sampleEnvironment,
  withoutPassword,
} from '#gateway/config/describe.js';
import { loadConfig } from '#gateway/config/load.js';
import { optionRows } from '#gateway/config/options.js';

describe('What is said of the options', () => {
  it('names every option in the help, the reference and the sample', () => {
    for (const row of optionRows) {
      assert.match(optionHelp(), new RegExp(`--${row.flag} `));
      assert.match(optionTables(), new RegExp(`\`${row.env}\``));
      assert.match(sampleEnvironment(), new RegExp(`^#${row.env}=`, 'm'));
      for (const alias of row.aliases) assert.match(optionTables(), new RegExp(alias));
    }
  });

  it('says what a compatibility start changes', () => {
    assert.match(optionTables(), /POSTERN_REQUIRE_EXP.*`true` \(compatibility start: `false`\)/);
  });

  it('gives a sample that, with its comments undone, is the default configuration', () => {
    const environment = Object.fromEntries(
      sampleEnvironment()
        .split('\n')
        .filter((line) => line.startsWith('#POSTERN_'))
        .map((line) => [line.slice(1, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    assert.deepEqual(loadConfig({ environment }), loadConfig({}));
  });
});

describe('printConfig', () => {
  it('shows what is in force and no secret', () => {
    const environment = {
      POSTERN_PORT: '4000',
      POSTERN_DATABASE_URL: 'postgres://ann:hunter2@db.test:5432/app?sslkey=hunter2',
      POSTERN_JWT_SECRET: 'hunter2 hunter2 hunter2 hunter2 hunter2',
      POSTERN_JWKS: 'hunter2',
    };
    const text = printConfig(loadConfig({ environment }).options);
    assert.doesNotMatch(text, /hunter2/);
    const shown: unknown = JSON.parse(text);
    assert.ok(typeof shown === 'object' && shown !== null);
    assert.equal(Reflect.get(shown, 'port'), 4000);
    assert.equal(Reflect.get(shown, 'jwtSecret'), '[secret]');
    assert.equal(Reflect.get(shown, 'databaseUrl'), 'postgres://ann:***@db.test:5432/app');
  });

  it('masks a database URL that is none altogether', () => {
    assert.equal(withoutPassword('host=db password=hunter2'), '[secret]');
  });
});
