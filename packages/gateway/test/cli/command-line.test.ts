import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configuration, manualText, readCommandLine } from '#gateway/cli/command-line.js';
import type { CommandLine } from '#gateway/cli/command-line.js';
import { manuals } from '#gateway/cli/manuals.js';
import type { Manual } from '#gateway/cli/manuals.js';
import { optionRows } from '#gateway/config/options.js';

const manual: Manual = {
  usage: ['postern greet NAME… [options]', 'postern greet --all [options]'],
  summary: 'Says hello.',
  flags: {
    all: { meaning: 'Everybody' },
    word: { value: 'TEXT', meaning: 'How to say it; may be repeated' },
  },
  exits: { 0: 'said', 2: 'called wrongly' },
};

function read(...args: readonly string[]): CommandLine {
  return readCommandLine(args, manual) ?? assert.fail('It said the manual');
}

describe('The arguments of a command', () => {
  it('are words, in order, wherever flags stand', () => {
    assert.deepEqual(read('ada', '--all', 'grace', '--word', 'hi', 'alan').words, [
      'ada',
      'grace',
      'alan',
    ]);
    assert.deepEqual(read().words, []);
  });

  it('are words behind --, whatever they look like; - alone is one', () => {
    const line = read('-', '--', '--all', '--help');
    assert.deepEqual(line.words, ['-', '--all', '--help']);
    assert.equal(line.has('all'), false);
  });

  it('are flags of its own: there or not, with the last value or all of them', () => {
    const line = read('--word', 'hi', '--all', '--word=oh, hello', '--all');
    assert.deepEqual([line.has('all'), line.has('word')], [true, true]);
    assert.equal(line.one('word'), 'oh, hello');
    assert.deepEqual(line.all('word'), ['hi', 'oh, hello']);

    const none = read();
    assert.deepEqual([none.has('all'), none.has('word')], [false, false]);
    assert.deepEqual([none.one('word'), none.all('word')], [undefined, []]);
  });

  it('are options of the gateway, kept apart from its own; of several the last', () => {
    const line = read('--port', '1', '--word', 'hi', '--config', 'file.json', '--port', '2');
    assert.deepEqual(line.options, { port: '2', config: 'file.json' });
  });

  it('reach the gateway’s configuration under every option’s name', () => {
    for (const { flag } of optionRows)
      assert.deepEqual(read(`--${flag}`, 'x').options, { [flag]: 'x' });
    const { options } = configuration(read('--port', '4711', '--jwt-audience', 'a,b'));
    assert.deepEqual([options.port, options.jwtAudience], [4711, ['a', 'b']]);
  });

  for (const [what, args] of Object.entries({
    'a flag that nobody knows': ['--loud'],
    'a letter that nobody knows': ['-x'],
    'a switch with a value': ['--all=yes'],
    'a flag without its value': ['--word'],
    'an option without its value': ['--port'],
    'a flag for a value': ['--word', '--all'],
  }))
    it(`are not ${what}`, () => {
      assert.throws(() => read(...args), { name: 'TypeError', code: /^ERR_PARSE_ARGS/ });
    });

  it('may ask for the manual, and then there is nothing more to do', (t) => {
    const said = t.mock.method(console, 'log', () => undefined);
    for (const args of [['--help'], ['-h'], ['ada', '--all', '--help']])
      assert.equal(readCommandLine(args, manual), undefined);
    const texts = said.mock.calls.map(({ arguments: [text] }) => String(text));
    assert.deepEqual(
      texts,
      Array.from({ length: 3 }, () => manualText(manual)),
    );
  });
});

describe('A manual', () => {
  it('says usage, flags and exit codes, in columns', () => {
    assert.match(
      manualText(manual),
      /^Usage: postern greet NAME… \[options\]\n {7}postern greet --all \[options\]\n\nSays hello\.\n/,
    );
    for (const row of [
      '  --all        Everybody',
      '  --word TEXT  How to say it; may be repeated',
      '  --help       Say this',
      '  0  said',
      '  2  called wrongly',
    ])
      assert.ok(manualText(manual).split('\n').includes(row), row);
  });

  for (const [name, command] of Object.entries<Manual>(manuals))
    it(`of ${name} fits a terminal, and takes no flag that is an option of the gateway`, () => {
      for (const line of manualText(command).split('\n')) assert.ok(line.length <= 110, line);
      const options = new Set(['help', 'config', ...optionRows.map(({ flag }) => flag)]);
      assert.deepEqual(
        Object.keys(command.flags).filter((flag) => options.has(flag)),
        [],
      );
    });
});
