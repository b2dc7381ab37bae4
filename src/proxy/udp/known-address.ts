import type { LookupOptions } from 'node:dns'

/** The `lookup` of sockets that are given IP addresses only: without it Node waits a turn for each datagram. */
export const knownAddress = (
  address: string,
  _options: LookupOptions,
  answer: (error: null, address: string, family: number) => void,
): void => answer(null, address, address.includes(':') ? 6 : 4)
