import { isIPv6 } from 'node:net';

/** Groups of an IPv6 address, and how many of them name the network: 64 bits. */
const GROUPS = 8;
const NETWORK = 4;

/**
 * What limits count an address as: an IPv6 one as its /64, which is the least that anybody is given,
 * so that nobody has 2^64 addresses to count apart. `address` is in the usual spelling.
 */
export function addressBlock(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from(
    { length: Math.max(0, GROUPS - before.length - after.length) },
    () => '0',
  );
  return `${[...before, ...zeros, ...after].slice(0, NETWORK).join(':')}::/64`;
}
