import type { ControlAddresses } from './messages.ts'

/** Where a running node can be reached. */
export type NodeAddresses = Omit<ControlAddresses, 'joinSecret' | 'nodes'> & {
  readonly proxy: string
  /** Where the proxy speaks TLS; undefined when it does not. */
  readonly proxySsl: string | undefined
}
