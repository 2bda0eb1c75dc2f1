import { brotliCompressSync, gzipSync } from 'node:zlib';

import { appBundle, es5Script, moduleBundle } from './client-bundles.ts';

/** How many bytes a page loads for one way to use `@postern/client`, minified. */
export interface Size {
  readonly what: string;
  readonly raw: number;
  readonly gzip: number;
  readonly brotli: number;
}

const CORE = `import { createClient } from '@postern/client'; console.log(createClient);`;
const STREAMS = `import { eventStream } from '@postern/client/sse'; console.log(eventStream);`;
const REACT = `export * from '@postern/client/react';`;

/** Measures each of them as it was built last, the module first, which is held to a limit. */
export async function measureClient(): Promise<readonly [module: Size, ...more: Size[]]> {
  const [module, core, withStreams, withReact, es5] = await Promise.all([
    moduleBundle(),
    appBundle(CORE),
    appBundle(CORE + STREAMS),
    appBundle(CORE + REACT, ['react']),
    es5Script(),
  ]);
  return [
    sizeOf('`postern.js`, as a module', module.code),
    sizeOf('`createClient`, bundled by esbuild', core),
    sizeOf('with `eventStream` of `@postern/client/sse`', withStreams),
    sizeOf('with `@postern/client/react`, without React itself', withReact),
    sizeOf('`postern.es5.js`', es5),
  ];
}

function sizeOf(what: string, code: string): Size {
  const bytes = Buffer.from(code);
  return {
    what,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    // Of the highest quality, by default.
    brotli: brotliCompressSync(bytes).length,
  };
}

/**
 * The sizes as a table for people; the one that is shown already, as long as no figure in it is off by more than
 * a fiftieth. Not every change of the client is to change a page, nor every version of zlib.
 */
export function sizeTable(sizes: readonly Size[], shown: string): string {
  const rows = sizes.map(
    ({ what, raw, gzip, brotli }) =>
      `| ${what} | ${[raw, gzip, brotli].map(inKilobytes).join(' | ')} |`,
  );
  const table = [
    '| what a page loads | minified | gzip | brotli |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
  return isNear(shown, table) ? shown : table;
}

const inKilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

function isNear(shown: string, table: string): boolean {
  const figures = /\d+\.\d/g;
  if (shown.replaceAll(figures, '') !== table.replaceAll(figures, '')) return false;
  const now = table.match(figures) ?? [];
  return (shown.match(figures) ?? []).every(
    (figure, index) => Math.abs(Number(figure) / Number(now[index]) - 1) < 0.02,
  );
}
