import { prepare } from './prepare.js';

await prepare();

// In this very process, so that signals reach the gateway and not a parent of it.
const program = new URL('../packages/gateway/bin/postern.js', import.meta.url);
process.argv.splice(2, 0, 'dev');
await import(program);
