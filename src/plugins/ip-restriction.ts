import { z } from 'zod'
import { optional } from '../entities/fields.ts'
import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { openAddressSet } from './ip-restriction/address-set.ts'

const range = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: ({ input }) => `invalid ip or cidr range: '${String(input)}'`,
})

const settings = z.strictObject({
  allow: optional(z.array(range)).describe(
    'Addresses and CIDR blocks that are allowed; all others are denied. At least one of `allow` and `deny` is required.',
  ),
  deny: optional(z.array(range)).describe(
    'Addresses and CIDR blocks that are denied, also when `allow` contains them.',
  ),
  status: optional(z.int().min(100).max(599)).describe('Status of refusals. 403 when null.'),
  message: optional(z.string()).describe(
    'Message of refusals. Names the address of the client when null.',
  ),
})

const acceptedSettings = settings.refine(({ allow, deny }) => isFilled(allow) || isFilled(deny), {
  error: `at least one of these fields must be non-empty: 'config.allow', 'config.deny'`,
})

const isFilled = (list: readonly string[] | null): list is readonly string[] =>
  list !== null && list.length > 0

export const ipRestriction = definePlugin({
  name: 'ip-restriction',
  about: 'Allows or denies requests and streams by the address of the client.',
  settings,
  acceptedSettings,
  actsOnStreams: true,
  prepare({ allow, deny, status, message }) {
    const isAllowed = isFilled(allow) ? openAddressSet(allow) : undefined
    const isDenied = isFilled(deny) ? openAddressSet(deny) : undefined
    const restrict = ({ request: { clientAddress } }: Exchange): void => {
      // A client without an address is neither allowed nor known not to be denied.
      const passes =
        isDenied?.(clientAddress) !== true &&
        (isAllowed ?? isDenied)?.(clientAddress) !== undefined &&
        isAllowed?.(clientAddress) !== false
      if (passes || (isAllowed ?? isDenied) === undefined) return
      const sentence = message ?? `IP address not allowed: ${clientAddress}`
      throw new Problem('ip-restriction.address', status ?? 403, sentence)
    }
    return { onRequest: restrict, onStream: restrict }
  },
})
