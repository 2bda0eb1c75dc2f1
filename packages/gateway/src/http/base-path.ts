import { GatewayError } from '../errors.ts';

/** `/`, or segments that mean the same however a proxy or a framework spells them. */
const BASE_PATH = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+)$/;

/** What is a gateway's own on a server that it shares: a path, and everything below it. */
export class BasePath {
  readonly #prefix: string;

  /** `/`: everything. Throws `POSTERN_CONFIG` for what is no plain path, or ends with a slash. */
  constructor(path: string) {
    if (!BASE_PATH.test(path))
      throw new GatewayError('POSTERN_CONFIG', {
        detail: 'basePath: expected a path such as /realtime, or /: no trailing slash, no encoding',
      });
    this.#prefix = path === '/' ? '' : path;
  }

  /**
   * The path of a request target as the gateway knows it, below the base path; undefined when it is
   * somebody else's. Compared as it stands: another spelling of the base path is another path.
   */
  below(target: string): string | undefined {
    const path = target.split('?', 1)[0] ?? '';
    if (path === this.#prefix) return '/';
    if (this.#prefix === '') return path;
    return path.startsWith(`${this.#prefix}/`) ? path.slice(this.#prefix.length) : undefined;
  }

  /** The path by which a server is asked for one that the gateway knows: the reverse of {@link below}. */
  whole(path: string): string {
    return `${this.#prefix}${path}`;
  }
}
