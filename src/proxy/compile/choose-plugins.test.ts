import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KnownConsumer } from '../directory.ts'
import { choosePlugins, type ScopedPlugin } from './choose-plugins.ts'

/** Kong's list, the nearest first; C a consumer, G a group, R a route, S a service. */
const precedence = ['CRS', 'GRS', 'CR', 'CS', 'GR', 'GS', 'RS', 'C', 'G', 'R', 'S', '']
const order = new Map([['limit', 0]])
const known = (id: string, consumerGroups: readonly string[]): KnownConsumer => ({
  id,
  name: id,
  username: null,
  customId: null,
  groups: [],
  consumerGroups,
})

test('chooses the most specific instance of a plugin, in Kong’s order of precedence', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(precedence, { minLength: 1 }), (placesOf) => {
      const plan = choosePlugins(placesOf.map(used), order)
      const nearest = precedence.find((places) => placesOf.includes(places)) ?? ''
      expect(plan.authorize(known('c', ['g'])).map(placesIn)).toEqual([nearest])
      const ofNobody = precedence.find(
        (places) => placesOf.includes(places) && !/[CG]/.test(places),
      )
      expect(plan.authorize(undefined).map(placesIn)).toEqual(
        ofNobody === undefined ? [] : [ofNobody],
      )
    }),
  )
})

test('between two groups of a consumer, the lower name wins', () => {
  const uses = ['b', 'a', 'c'].map((group) => ({ ...used('G'), consumerGroup: group }))
  const members: Record<string, readonly string[]> = { ann: ['b', 'c'], bob: ['a', 'b'], eve: [] }
  const plan = choosePlugins(uses, order)
  const groupOf = (consumer: string) =>
    plan.authorize(known(consumer, members[consumer] ?? [])).map((one) => one.consumerGroup)
  expect(['ann', 'bob', 'eve'].map(groupOf)).toEqual([['b'], ['a'], []])
})

function used(places: string): ScopedPlugin {
  const at = (letter: string, name: string) => (places.includes(letter) ? name : undefined)
  return {
    name: 'limit',
    identifies: false,
    condition: undefined,
    protocols: [],
    use: {},
    scope: places,
    service: at('S', 's'),
    route: at('R', 'r'),
    consumer: at('C', 'c'),
    consumerGroup: at('G', 'g'),
  }
}

const placesIn = ({ consumer, consumerGroup, route, service }: ScopedPlugin): string =>
  [consumer && 'C', consumerGroup && 'G', route && 'R', service && 'S'].filter(Boolean).join('')
