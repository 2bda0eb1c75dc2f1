import { option } from '../option.ts';
import { closeCodes, flag, number, oneOf, text } from '../parsers.ts';

/** How the gateway runs: its log, its end, and whom it tells. */
export const runningOptions = {
  metaChannel: option(
    text.optional(),
    'Channel that is told of each new connection; unset: none.',
    ['PGWS_META_CHANNEL'],
  ),
  metaClose: option(flag.default(false), 'Tell the meta channel of ended connections too.'),
  closeCodes: option(
    closeCodes.optional(),
    'Close codes in place of those in [failures](failures.md), by name: `tokenExpired=4401,revoked=4600`; `expired` is `tokenExpired` as well. Failures whose code is 3000 or more can have another one: 3000-4999, `1001`, `1008`, `1012`, `1013` or `1014`. Unset: none.',
  ),
  logLevel: option(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    'Least level that is logged.',
  ),
  logFormat: option(
    oneOf(['auto', 'json', 'pretty']).default('auto'),
    'Log lines: `json`, or `pretty` for people; `auto` is pretty on a terminal.',
  ),
  drainSeconds: option(
    number(0, 3600).default(10),
    'Most seconds over which connections are closed at a shutdown; at least 200 a second are; 0: at once.',
  ),
};
