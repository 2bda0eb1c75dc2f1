import { prepare } from './prepare.js';

await prepare();
await import('../build/scripts/test.js');
