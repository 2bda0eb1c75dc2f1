/**
 * Says what the client costs a page, and fails when its module is too large: `npm run sizes [-- --limit
 * BYTES]`, in brotli; 6 KiB by default.
 */
import { parseArgs } from 'node:util';

import { measureClient } from './client-sizes.ts';

const { values } = parseArgs({ options: { limit: { type: 'string', default: '6144' } } });
const sizes = await measureClient();
console.table(
  Object.fromEntries(sizes.map(({ what, raw, gzip, brotli }) => [what, { raw, gzip, brotli }])),
);

const [module] = sizes;
if (module.brotli > Number(values.limit)) {
  console.error(
    `${module.what}: ${module.brotli} bytes in brotli, of ${values.limit} at the most.`,
  );
  process.exitCode = 1;
}
