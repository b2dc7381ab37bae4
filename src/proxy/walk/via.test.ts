import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../exchange.ts'
import { forwardedVia, isLoop } from './via.ts'

type Gateway = { readonly route: string; readonly instance: string }

const head = (via: string | undefined): RequestHead => {
  const headers = new HeaderList()
  if (via !== undefined) headers.add('Via', via)
  return { headers } as RequestHead
}

/** Number of gateways that a request passes before one refuses it. */
function passesOf(gateways: readonly Gateway[], client?: string): number {
  let via = client
  for (const [passed, { route, instance }] of gateways.entries()) {
    if (isLoop(head(via), route, instance)) return passed
    via = forwardedVia(head(via), route, instance)
  }
  return gateways.length
}

const hex = (length: number) =>
  fc.array(fc.constantFrom('0', '1', '7', '9', 'a', 'c', 'f'), {
    minLength: length,
    maxLength: length,
  })
const arbitraryInstance = hex(8).map((digits) => digits.join(''))
const arbitraryRoute = fc.constantFrom('weir-0000000000000001', 'weir-0000000000000002')
const foreign = fc.constantFrom(undefined, '1.1 varnish', '1.0 fred (weir), 2 weir-1, 1.1 kong/3.9')

test('no chain of gateways is refused, whether they share one configuration or not', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(arbitraryInstance, { minLength: 1, maxLength: 9 }),
      fc.array(arbitraryRoute, { minLength: 9, maxLength: 9 }),
      foreign,
      (instances, routes, client) => {
        const chain = instances.map((name, at) => ({ route: routes[at] ?? '', instance: name }))
        expect(passesOf(chain, client)).toBe(chain.length)
      },
    ),
  )
})

test('every loop ends, after one pass more than it has processes and after nine of one route at most', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(arbitraryInstance, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
      foreign,
      (instances, balanced, client) => {
        const walk = balanced.map((pick, at) => ({
          route: `weir-000000000000000${(at % 2) + 1}`,
          instance: instances[pick % instances.length] ?? '',
        }))
        expect(passesOf(walk, client)).toBeLessThanOrEqual(2 * Math.min(instances.length, 9) + 1)
      },
    ),
  )
})

test('names inside comments, without a version or of other routes do not count', () => {
  const own = ['weir-0000000000000001', '00000000'] as const
  const name = own.join('-')
  for (const via of ['', ',', name, `1.1 a (${name})`, `1.1 weir-0000000000000002-00000000`])
    expect(isLoop(head(via), ...own)).toBe(false)
  for (const via of [`1.1 ${name}`, `1.0 a,2 ${name}`, `1.0 a , 1.1 ${name} (x)`])
    expect(isLoop(head(via), ...own)).toBe(true)
})
