import { isLoopbackName } from '../loopback.ts';

/** Whether a Host header names this gateway. */
export type HostCheck = (host: string | undefined) => boolean;

/** Which names those are. */
export interface HostRules {
  /** `host` (any port) or `host:port`; `*`: any. */
  readonly allowed: readonly string[];
  /** How browsers reach the gateway; its host is allowed wherever any has to be. `undefined`: not known. */
  readonly publicUrl?: string | undefined;
  /** Whether only this computer reaches the port: then its own names are allowed, and must be. */
  readonly loopbackOnly: boolean;
}

interface NamedHost {
  readonly name: string;
  /** Undefined: none is said. */
  readonly port: string | undefined;
}

/** A name or an address, a final dot, a port: nothing else is a Host (RFC 9110 §7.2). */
const HOST = /^(\[[\d.:a-f]+\]|[\w-]+(?:\.[\w-]+)*)\.?(?::(\d{0,5}))?$/i;

/**
 * Builds the check of the Host header. A page of another site can make a name of its own resolve to
 * the address of this gateway (DNS rebinding), and would be of one origin with it; what its browser
 * then sends as Host is still that name.
 */
export function createHostCheck({ allowed, publicUrl, loopbackOnly }: HostRules): HostCheck {
  if (allowed.includes('*') || (allowed.length === 0 && !loopbackOnly)) return () => true;
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).host];
  const list = [...allowed, ...own].map(parseHost).filter((host) => host !== undefined);

  return (header) => {
    const host = parseHost(header ?? '');
    if (host === undefined) return false;
    if (loopbackOnly && isLoopbackName(host.name)) return true;
    return list.some(
      ({ name, port }) => name === host.name && (port === undefined || port === host.port),
    );
  };
}

/** Whether a Host header names a host at all. */
export function isHost(header: string | undefined): header is string {
  return parseHost(header ?? '') !== undefined;
}

function parseHost(text: string): NamedHost | undefined {
  const [, name, port = ''] = HOST.exec(text) ?? [];
  if (name === undefined || !URL.canParse(`http://${name}`)) return undefined;
  // One spelling of an IPv6 address; a name stays as it is: `0x7f.1` is none of ours.
  const spelled = name.startsWith('[') ? new URL(`http://${name}`).hostname : name.toLowerCase();
  return { name: spelled, port: port === '' ? undefined : String(Number(port)) };
}
