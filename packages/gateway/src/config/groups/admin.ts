import { option } from '../option.ts';
import { bearer, portOrOff, text } from '../parsers.ts';

/** The port for whoever operates the gateway. */
export const adminOptions = {
  adminHost: option(
    text.default('127.0.0.1'),
    'Address of the admin port, as for `POSTERN_HOST`. Any but a loopback address needs the token.',
  ),
  adminPort: option(
    portOrOff.default('off'),
    'Port of `/metrics`; 0: a free one, logged; `off`: none. `postern dev` takes 3001.',
  ),
  adminToken: option(
    bearer.optional(),
    'What the admin port asks for, as `Authorization: Bearer`: 16 visible ASCII characters or more. Unset: nothing, and only requests to `localhost` and `127.0.0.1` are answered.',
  ),
};
