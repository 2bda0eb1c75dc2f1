import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandHelp, parseArguments } from '#gateway/cli/arguments.js';
import { optionRows } from '#gateway/config/options.js';

describe('The arguments of a command that starts the gateway', () => {
  it('are none when there are none', () => {
    assert.deepEqual(parseArguments([]), { flags: {}, help: false, printConfig: false });
  });

  it('are every option of the table, as text, and the configuration file', () => {
    for (const flag of ['config', ...optionRows.map((row) => row.flag)])
      for (const args of [
        [`--${flag}`, 'x'],
        [`--${flag}=x`],
        [`--${flag}`, '1', `--${flag}`, 'x'],
      ])
        assert.deepEqual(parseArguments(args).flags, { [flag]: 'x' });
  });

  it('keep an empty value apart from none', () => {
    assert.deepEqual(parseArguments(['--jwt-secret=', '--port', '1']).flags, {
      'jwt-secret': '',
      port: '1',
    });
  });

  it('may ask for help or for what is in force, beside options', () => {
    for (const help of ['--help', '-h'])
      assert.deepEqual(parseArguments([help, '--port', '1']), {
        flags: { port: '1' },
        help: true,
        printConfig: false,
      });
    assert.deepEqual(parseArguments(['--print-config']), {
      flags: {},
      help: false,
      printConfig: true,
    });
  });

  for (const [what, args] of Object.entries({
    'an option that is none': ['--prot', '1'],
    'the name of a variable': ['--POSTERN_PORT', '1'],
    'an option without its value': ['--port'],
    'a switch with a value': ['--print-config=yes'],
    'a word': ['3000'],
  }))
    it(`are not ${what}`, () => {
      assert.throws(() => parseArguments(args), { name: 'TypeError', code: /^ERR_PARSE_ARGS/ });
    });
});

describe('The help of such a command', () => {
  it('says its usage, what it does, and every flag there is', () => {
    const help = commandHelp('postern serve', 'Runs the gateway.');
    assert.match(help, /^Usage: postern serve \[options\]\n\nRuns the gateway\.\n/);
    for (const flag of ['config', 'print-config', 'help', ...optionRows.map((row) => row.flag)])
      assert.match(help, new RegExp(`^  --${flag}(?: |$)`, 'm'), flag);
  });
});
