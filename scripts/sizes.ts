/**
 * Says what the client costs a page, and fails when its core is too large: `npm run sizes [-- --limit
 * BYTES]`, in brotli.
 */
import { parseArgs } from 'node:util';

import { measureClient } from './client-sizes.ts';

const { values } = parseArgs({ options: { limit: { type: 'string', default: '6000' } } });
const sizes = await measureClient();
console.table(
  Object.fromEntries(sizes.map(({ what, raw, gzip, brotli }) => [what, { raw, gzip, brotli }])),
);

const [core] = sizes;
if (core.brotli > Number(values.limit)) {
  console.error(`${core.what}: ${core.brotli} bytes in brotli, of ${values.limit} at the most.`);
  process.exitCode = 1;
}
