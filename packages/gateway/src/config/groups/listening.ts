import { option } from '../option.ts';
import { text, whole } from '../parsers.ts';

/** Where the gateway listens, and what else it answers there. */
export const listeningOptions = {
  host: option(
    text.default('*'),
    'Address to listen on. `*`: all; `*4`, `!4`: all of IPv4; `*6`: all, IPv6 preferred; `!6`: IPv6 only.',
    ['PGWS_HOST'],
  ),
  port: option(whole(0, 65_535).default(3000), 'Port to listen on; 0: a free one, printed.', [
    'PGWS_PORT',
  ]),
  tlsCertificate: option(
    text.optional(),
    'Path of a PEM file: the certificate chain. Needs the key. Read anew when it changes.',
    ['PGWS_CERTIFICATE_FILE'],
  ),
  tlsKey: option(text.optional(), 'Path of a PEM file: the private key of the certificate.', [
    'PGWS_KEY_FILE',
  ]),
  staticRoot: option(text.optional(), 'Folder whose files are served on plain GET; unset: none.', [
    'PGWS_ROOT_PATH',
  ]),
};
