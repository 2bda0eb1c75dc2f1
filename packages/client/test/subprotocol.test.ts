import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseOffers, SUBPROTOCOL } from '#client/protocol.js';

const TOKEN_CHARACTERS =
  "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
const names = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1 });
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });

describe('parseOffers', () => {
  it('finds nothing where there is no header', () => {
    assert.deepEqual(parseOffers([]), { speaksV1: false, credentials: [] });
  });

  it('finds the protocol, alone and among others', () => {
    for (const lines of [['postern.v1'], ['chat, postern.v1'], ['chat', 'postern.v1 ,\tsoap']])
      assert.deepEqual(parseOffers(lines), { speaksV1: true, credentials: [] });
  });

  it('does not take another spelling, or a longer name, for the protocol', () => {
    for (const name of ['Postern.v1', 'POSTERN.V1', 'postern.v10', 'xpostern.v1', 'postern.v2'])
      assert.deepEqual(parseOffers([name]), { speaksV1: false, credentials: [] });
  });

  for (const kind of ['bearer', 'csrf', 'embed'] as const)
    it(`finds a credential of the kind ${kind}, dots and all`, () => {
      assert.deepEqual(parseOffers([`postern.v1, postern.${kind}.aa.bb-_.cc`]), {
        speaksV1: true,
        credentials: [{ kind, token: 'aa.bb-_.cc' }],
      });
    });

  it('finds every credential, on whatever line, in the order of the offers', () => {
    assert.deepEqual(
      parseOffers(['postern.embed.e, postern.bearer.b', 'postern.v1', 'postern.bearer.c']),
      {
        speaksV1: true,
        credentials: [
          { kind: 'embed', token: 'e' },
          { kind: 'bearer', token: 'b' },
          { kind: 'bearer', token: 'c' },
        ],
      },
    );
  });

  it('counts a credential without a token as one', () => {
    assert.deepEqual(parseOffers(['postern.csrf.'])?.credentials, [{ kind: 'csrf', token: '' }]);
  });

  it('takes no other spelling and no other name for a credential', () => {
    for (const name of [
      'Postern.bearer.x',
      'postern.bearer',
      'postern.Bearer.x',
      'postern.refresh.x',
    ])
      assert.deepEqual(parseOffers([name]), { speaksV1: false, credentials: [] });
  });

  for (const lines of [
    [''],
    [' '],
    [','],
    ['postern.v1,'],
    [',postern.v1'],
    ['postern.v1,,chat'],
    ['postern.v1', ''],
    ['postern.v1 chat'],
    ['postern.v1;q=1'],
    ['"postern.v1"'],
    ['postern/v1'],
    ['postern.v1\u00A0'],
    ['postern.v1\n'],
    ['\vpostern.v1'],
    ['pöstern.v1'],
    ['postern.bearer.a=b'],
  ])
    it(`does not read ${JSON.stringify(lines)}`, () => {
      assert.equal(parseOffers(lines), undefined);
    });

  it('does not read a name that is there twice, on one line or on two', () => {
    assert.equal(parseOffers(['postern.v1, postern.v1']), undefined);
    assert.equal(parseOffers(['postern.bearer.x', 'postern.v1, postern.bearer.x']), undefined);
  });

  it('takes names that differ in case only for two', () => {
    assert.deepEqual(parseOffers(['postern.v1, POSTERN.v1']), { speaksV1: true, credentials: [] });
  });

  it('reads every list of different names, however it is spread over blanks and lines', () => {
    const lists = fc.uniqueArray(fc.oneof(names, fc.constant(SUBPROTOCOL)), { minLength: 1 });
    fc.assert(
      fc.property(lists, blanks, fc.func(fc.boolean()), (list, blank, breaksAfter) => {
        const lines: string[][] = [[]];
        for (const name of list) {
          lines.at(-1)?.push(`${blank}${name}${blank}`);
          if (breaksAfter(name)) lines.push([]);
        }
        const texts = lines.filter((line) => line.length > 0).map((line) => line.join(','));
        const offers = parseOffers(texts);
        assert.equal(offers?.speaksV1, list.includes(SUBPROTOCOL));
        assert.deepEqual(offers, parseOffers([list.join(', ')]));
      }),
    );
  });

  it('reads a line as it reads the same names on many', () => {
    const parts = fc.array(fc.oneof(names, fc.string(), fc.constantFrom('postern.v1', '', ' ')), {
      minLength: 1,
    });
    fc.assert(
      fc.property(parts, (texts) => {
        assert.deepEqual(parseOffers(texts), parseOffers([texts.join(',')]));
      }),
    );
  });

  it('refuses every name with a character that no name may hold', () => {
    const strange = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
      .filter((character) => !`${TOKEN_CHARACTERS}, \t`.includes(character));
    fc.assert(
      fc.property(fc.string(), strange, fc.string(), (before, character, after) => {
        assert.equal(parseOffers([`${before}${character}${after}`]), undefined);
      }),
    );
  });

  it('is done at once with a header as long as a header can be', () => {
    const started = performance.now();
    assert.equal(parseOffers([`x${' '.repeat(16_000)}x`]), undefined);
    assert.equal(parseOffers([`${'\t'.repeat(16_000)}(`]), undefined);
    assert.ok(performance.now() - started < 1_000);
  });
});
