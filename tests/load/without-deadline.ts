/**
 * Loaded into a gateway under measurement by `--import`: there no session is ever held against its
 * deadline, so that it can be told what that costs. Nothing of the gateway knows of it.
 */
import { register } from 'node:module';

register('./without-deadline-hooks.js', import.meta.url);
