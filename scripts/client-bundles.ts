import { fileURLToPath } from 'node:url';

import { minify, transform } from '@swc/core';
import type { Options } from '@swc/core';
import { parse, tokTypes } from 'acorn';
import type { Token } from 'acorn';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';

/** The folder of `@postern/client`. */
export const clientFolder = fileURLToPath(new URL('../../packages/client', import.meta.url));

/** A script or a module in one file. */
export interface Bundle {
  readonly code: string;
  /** Its source map. */
  readonly map: string;
  /** What a module exports. */
  readonly exports: readonly string[];
}

const lowering: Options = {
  configFile: false,
  swcrc: false,
  isModule: false,
  jsc: {
    target: 'es5',
    loose: true,
    externalHelpers: false,
    // Where there is no Symbol nothing but arrays can be iterated, and no member is named by one.
    assumptions: {
      iterableIsArray: true,
      objectRestNoSymbols: true,
      setSpreadProperties: true,
      noDocumentAll: true,
      ignoreFunctionLength: true,
      ignoreFunctionName: true,
    },
  },
};

/** The client as one module, for `<script type="module">`, and for apps without a minifier of their own. */
export async function moduleBundle(): Promise<Bundle> {
  const bundle = await bundled({
    entryPoints: ['src/index.ts'],
    outfile: 'dist/postern.js',
    minify: true,
  });
  // It takes another twentieth off.
  const { code, map = '' } = await transform(bundle.code, {
    configFile: false,
    swcrc: false,
    isModule: true,
    minify: true,
    jsc: {
      target: 'es2022',
      minify: { compress: { passes: 3, toplevel: true }, mangle: { toplevel: true } },
    },
    inputSourceMap: bundle.map,
    sourceMaps: true,
  });
  return { ...bundle, code, map };
}

/** The client with callbacks as one script, which sets `Postern`. ES5, and so are the parts of a browser that it needs. */
export async function es5Script(): Promise<string> {
  const entry = 'src/es5.ts';
  const { exports } = await bundled({ entryPoints: [entry], outfile: 'es5.js' });
  const names = exports.join(', ');
  const { code } = await bundled({
    ...inline(`import { ${names} } from './${entry}';\nPostern = { ${names} };`),
    treeShaking: true,
  });
  // esbuild writes no ES5, and swc does not bundle. What swc adds to the top would be names of the page's.
  const lowered = await transform(withoutPrivateNames(code), lowering);
  const script = await minify(`var Postern;(function(){${lowered.code}\n})();`, {
    ecma: 5,
    compress: { ecma: 5, passes: 3 },
    mangle: true,
    module: false,
    format: { asciiOnly: true, ecma: 5 },
  });
  return script.code;
}

/** Members that are private by name only: in ES5 each use of one that truly is costs a call, and a tenth of the bytes. */
function withoutPrivateNames(code: string): string {
  const tokens: Token[] = [];
  parse(code, { ecmaVersion: 2022, onToken: tokens });
  let end = 0;
  let renamed = '';
  for (const token of tokens) {
    if (token.type !== tokTypes.privateId) continue;
    renamed += `${code.slice(end, token.start)}_${code.slice(token.start + 1, token.end)}`;
    end = token.end;
  }
  return renamed + code.slice(end);
}

/** What an app of this source ships, beside packages of others. */
export async function appBundle(source: string, others: readonly string[] = []): Promise<string> {
  const { code } = await bundled({ ...inline(source), minify: true, external: [...others] });
  return code;
}

function inline(contents: string): BuildOptions {
  return { stdin: { contents, resolveDir: clientFolder }, outfile: 'inline.js' };
}

async function bundled(options: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: clientFolder,
    bundle: true,
    charset: 'utf8',
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    logLevel: 'error',
    sourcemap: 'external',
    // The package has them.
    sourcesContent: false,
    ...options,
    metafile: true,
    write: false,
  });
  const text = (end: string): string =>
    outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const exports = Object.values(metafile.outputs).flatMap((output) => output.exports);
  return { code: text('.js'), map: text('.map'), exports };
}
