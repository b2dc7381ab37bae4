import { hkdfSync, randomBytes } from 'node:crypto'

/** The keys of TLS session tickets, the same in all workers of a node that have the same secret. */
export type TicketKeys = {
  /** The keys for a set of certificates, 48 bytes: tickets do not outlive a change of them. */
  keysFor(this: void, digest: string): Buffer
  /** Issues and accepts tickets with another secret from now on. */
  rotate(this: void, secret: string): void
  onRotate(this: void, listener: () => void): void
}

/** As Node expects: name, HMAC key and AES key. */
const keyBytes = 48

export function openTicketKeys(first: string = randomBytes(32).toString('hex')): TicketKeys {
  const listeners: (() => void)[] = []
  let secret = first
  return {
    keysFor: (digest) =>
      Buffer.from(hkdfSync('sha256', secret, '', `tls session tickets ${digest}`, keyBytes)),
    rotate(next) {
      secret = next
      for (const listener of listeners) listener()
    },
    onRotate: (listener) => void listeners.push(listener),
  }
}
