const layer0 = ['node:*', 'node:*/**', '@postern/client/protocol'];
const layer1 = [
  './**',
  '../errors.ts',
  '../lifecycle.ts',
  '../loopback.ts',
  '../queue.ts',
  ...layer0,
];
const layer2 = ['../auth/**', '../hub/**', '../postgres/**', '../observe/**', ...layer1];
const layer3 = ['../session/**', ...layer2];

/**
 * Who may import whom (docs/architecture.md): everything that the files on the left may import, third
 * parties included. A later row takes the place of an earlier one.
 */
const imports = {
  'client/src/*.ts': ['./**'],
  'client/src/*/**': ['./**', '../**'],
  'client/src/react/**': ['./**', '../**', 'react'],
  'gateway/src/{errors,lifecycle,loopback,queue}.ts': ['./errors.ts', './lifecycle.ts', ...layer0],
  'gateway/src/version.ts': ['node:module'],
  'gateway/src/auth/**': [...layer1, 'jose/**'],
  'gateway/src/hub/**': layer1,
  'gateway/src/postgres/**': [...layer1, 'pg'],
  'gateway/src/observe/**': [...layer1, 'pino', 'pino-pretty', 'prom-client'],
  'gateway/src/observe/log.ts': [...layer1, 'pino', 'pino-pretty', 'node:module'],
  'gateway/src/config/**': layer1,
  'gateway/src/config/groups/**': ['../option.ts', '../parsers.ts'],
  'gateway/src/session/**': layer2,
  'gateway/src/http/**': [...layer3, 'send'],
  'gateway/src/http/upgrade.ts': [...layer3, 'ws'],
  'gateway/src/http/client-ip.ts': [...layer3, 'proxy-addr'],
  'gateway/src/{embedding,gateway,index,preauthentication,standalone,verification}.ts': [
    './*.ts',
    './{auth,config,hub,http,observe,postgres,session}/**',
    ...layer0,
  ],
  'gateway/src/cli/**': ['./**', '../**', ...layer0, 'jose'],
  'gateway/src/cli/embedded/binaries.ts': ['./**', '../**', ...layer0, 'node:module'],
};

/**
 * `process` comes in by no door: its uses are linted as those of a global. No detours, which `require`
 * would be, and what only re-exports is for others.
 */
const rarelyImported = ['node:process', 'node:module', './../**', '**/index.ts'];

const importRules = Object.entries(imports).map(([files, allowed]) => {
  const others = rarelyImported.filter((pattern) => !allowed.includes(pattern));
  const group = ['**', ...allowed.map((pattern) => `!${pattern}`), ...others];
  const message = `packages/${files} may import: ${allowed.join(' ')}`;
  return {
    files: [`packages/${files}`],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] },
  };
});

/** What code that is lowered to ES5 cannot use all the same: nothing stands in for it. */
const laterThanES5 = {
  globals:
    'AbortController AbortSignal BigInt Headers Map Promise Proxy Reflect Request Response Set Symbol TextDecoder TextEncoder URL URLSearchParams WeakMap WeakRef WeakSet crypto fetch globalThis queueMicrotask structuredClone',
  members:
    'assign endsWith entries fill find findIndex findLast flat flatMap fromEntries hasOwn includes isInteger padEnd padStart repeat replaceAll startsWith trimEnd trimStart values',
};

function noneOf({ globals, members }) {
  const message = 'Internet Explorer 11 does not have it.';
  return {
    'no-restricted-globals': ['error', ...globals.split(' ').map((name) => ({ name, message }))],
    'no-restricted-properties': [
      'error',
      ...members.split(' ').map((property) => ({ property, message })),
    ],
  };
}

const everywhere = {
  eqeqeq: 'error',
  'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: false, skipComments: false }],
  'no-empty': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'import/no-cycle': 'error',
  'import/no-default-export': 'error',
  'typescript/consistent-type-imports': 'error',
  'typescript/no-explicit-any': 'error',
  'typescript/no-floating-promises': 'error',
  'typescript/no-misused-promises': 'error',
  'typescript/no-non-null-assertion': 'error',
  'typescript/only-throw-error': 'error',
  'typescript/restrict-template-expressions': [
    'error',
    {
      allowAny: false,
      allowBoolean: true,
      allowNever: false,
      allowNullish: false,
      allowNumber: true,
      allowRegExp: false,
    },
  ],
  'typescript/switch-exhaustiveness-check': 'error',

  // Both report what is meant here: unknown values made text, functions taken off plain objects.
  'typescript/no-base-to-string': 'off',
  'typescript/unbound-method': 'off',
};

/** What the runner itself awaits. */
const nodeTest = {
  from: 'package',
  package: 'node:test',
  name: ['after', 'afterEach', 'before', 'beforeEach', 'describe', 'it', 'test'],
};

const overrides = [
  {
    // Nothing here has a type to go by.
    files: ['**/*.{js,jsx}'],
    rules: { 'typescript/restrict-template-expressions': 'off' },
  },
  {
    // What Node calls back it does not await: a rejection ends the program, as it should.
    files: ['examples/**'],
    rules: { 'typescript/no-misused-promises': ['error', { checksVoidReturn: false }] },
  },
  {
    // It is served as it stands, to browsers that know ES5 only.
    files: ['examples/browser-login/page.js'],
    rules: { 'no-var': 'off' },
  },
  {
    files: ['packages/*/src/**'],
    rules: {
      'no-console': 'error',
      'node/no-process-env': 'error',
      'unicorn/no-process-exit': 'error',
    },
  },
  {
    // It runs in browsers of 2013, too.
    files: [
      'packages/client/src/*.ts',
      'packages/client/src/protocol/{closing-failures,find-failure,retry-after}.ts',
    ],
    rules: { 'unicorn/prefer-string-starts-ends-with': 'off', ...noneOf(laterThanES5) },
  },
  {
    // This does not.
    files: [
      'packages/client/src/{client,event-stream*,fetch-request,index,iteration,react*,sse}.*',
    ],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
  {
    files: ['packages/client/src/console.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['packages/gateway/src/config/sources.ts'],
    rules: { 'node/no-process-env': 'off' },
  },
  {
    files: ['packages/gateway/src/cli/**'],
    rules: { 'no-console': 'off', 'unicorn/no-process-exit': 'off' },
  },
  {
    // One `describe` is a function to the linter and many tests to a reader. What tests make text and
    // take to pieces is theirs.
    files: ['packages/*/test/**', 'tests/**'],
    rules: {
      'max-lines-per-function': 'off',
      'typescript/no-floating-promises': ['error', { allowForKnownSafeCalls: [nodeTest] }],
      'typescript/no-misused-spread': 'off',
      'typescript/restrict-template-expressions': 'off',
    },
  },
  ...importRules,
];

// oxlint-disable-next-line import/no-default-export -- the linter asks for one
export default {
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'node', 'promise'],
  categories: { correctness: 'error' },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: [
    '**/node_modules/**',
    '**/dist/**',
    '**/build/**',
    'coverage/**',
    'packages/gateway/dev-page/*.js',
  ],
  rules: everywhere,
  overrides,
};
