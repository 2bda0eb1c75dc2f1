import { brotliCompressSync, gzipSync } from 'node:zlib';

import { appBundle, es5Script } from './client-bundles.ts';

/** How many bytes a page loads for one way to use `@postern/client`, minified. */
export interface Size {
  readonly what: string;
  readonly raw: number;
  readonly gzip: number;
  readonly brotli: number;
}

const CORE = `import { createClient } from '@postern/client'; console.log(createClient);`;

/** Measures each of them as it was built last, the core first. */
export async function measureClient(): Promise<readonly [core: Size, ...more: Size[]]> {
  const [core, es5] = await Promise.all([appBundle(CORE), es5Script()]);
  return [sizeOf('`createClient`', core), sizeOf('`postern.es5.js`', es5)];
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
