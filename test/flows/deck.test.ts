import { expect, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openDeckClient, type DeckOptions, type DeckState } from '../harness/deck-client.ts'
import { adminToken, openTestAdmin } from './admin-harness.ts'
import { deckFile } from './deck-file.ts'
import { everyKind, manyServices } from './deck-samples.ts'

const pairs = [await makeAuthority('server'), await makeAuthority('clients')] as const

test('syncs 22 objects into a new workspace, after which there is no difference', async () => {
  const deck = await openDeck({ workspace: 'ProductZ' })
  expect(await deck.ping()).toMatch(/^3\./)
  const state = manyServices(22)
  const before = await deck.diff(state)
  expect([before.length, new Set(before.map(({ does }) => does))]).toEqual([
    22,
    new Set(['create']),
  ])
  expect(await deck.sync(state)).toHaveLength(22)
  expect(await deck.diff(state)).toEqual([])
})

test('validates, syncs, diffs, dumps, changes and resets one entity of every kind', async () => {
  const deck = await openDeck()
  const state = everyKind('one', pairs)
  await deck.validate(state)
  await deck.sync(state)
  expect(await deck.diff(state)).toEqual([])
  const dumped = await deck.dump()
  expect(countsOf(dumped)).toEqual(countsOf(state))
  expect(await deck.diff(dumped)).toEqual([])
  const changed = { ...state, services: state['services']?.map((one) => ({ ...one, retries: 9 })) }
  expect(await deck.sync(changed as DeckState)).toMatchObject([
    { does: 'update', kind: 'services' },
  ])
  expect(await deck.diff(changed as DeckState)).toEqual([])
  await deck.reset()
  expect(countsOf(await deck.dump())).toEqual({})
})

test('a dump synced to another workspace dumps the same', async () => {
  // Its routes are for the same paths.
  const admin = await openTestAdmin({ catalog, routeValidation: { strategy: 'off' } })
  const call = { url: admin.adminUrl, token: adminToken }
  const one = openDeckClient({ ...call, workspace: 'One' })
  const state = everyKind('one', pairs)
  await one.sync(state)
  const dumped = await one.dump()
  const two = openDeckClient({ ...call, workspace: 'Two' })
  const wanted = renamed(dumped)
  await two.sync(wanted)
  expect(await two.diff(wanted)).toEqual([])
  expect(await one.diff(state)).toEqual([])
})

test('with select tags reads and changes only entities that have them', async () => {
  const admin = await openTestAdmin({ catalog })
  const call = { url: admin.adminUrl, token: adminToken }
  const [ours, theirs] = ['ours', 'theirs'].map((tag) =>
    openDeckClient({ ...call, tags: [tag, 'all'] }),
  )
  const [mine, yours] = [manyServices(6), everyKind('yours', pairs)]
  await ours?.sync(mine)
  const { ca_certificates: _untagged, 'mtls-auths': _neither, ...tagged } = yours
  await theirs?.sync(tagged)
  expect(await ours?.diff(mine)).toEqual([])
  expect(await theirs?.diff(tagged)).toEqual([])
  await ours?.reset()
  expect(countsOf((await ours?.dump()) ?? {})).toEqual({})
  expect(countsOf((await theirs?.dump()) ?? {})).toEqual(countsOf(tagged))
})

test('decK reads the same from a document with one entity of every kind', async () => {
  const { adminUrl: url, ask } = await openTestAdmin({ catalog })
  const deck = openDeckClient({ url, token: adminToken })
  const sent = await ask('POST', '/config', deckFile(...pairs))
  expect([sent.status, sent.body.message]).toEqual([201, undefined])
  const found = await deck.dump()
  const { members, ...counts } = countsOf(found)
  expect([members, new Set(Object.values(counts))]).toEqual([1, new Set([1, 17])])
  expect(await deck.diff(found)).toEqual([])
  const { body } = await ask('GET', '/config')
  expect((await ask('POST', '/config?check_hash=1', body)).status).toBe(304)
  expect((await ask('POST', '/config?check_hash=1', deckFile(...pairs))).status).toBe(304)
})

async function openDeck(call: Partial<DeckOptions> = {}) {
  const { adminUrl: url } = await openTestAdmin({ catalog })
  return openDeckClient({ url, token: adminToken, ...call })
}

const countsOf = (state: DeckState): Record<string, number> =>
  Object.fromEntries(
    Object.entries(state)
      .map(([kind, objects]) => [kind, objects.length] as const)
      .filter(([, count]) => count > 0)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )

/** Replaces ids, and names that are unique across workspaces. */
function renamed(state: DeckState): DeckState {
  const kept = state['ca_certificates']?.[0]?.id ?? ''
  const text = JSON.stringify(state)
    .replaceAll(kept, '$authority')
    .replaceAll(/([0-9a-f])(?=[0-9a-f]{7}-[0-9a-f]{4}-4)/g, (digit) =>
      (15 - parseInt(digit, 16)).toString(16),
    )
    .replaceAll('one.example', 'two.example')
    .replaceAll('safe-one', 'safe-two')
    .replaceAll('$authority', kept)
  return JSON.parse(text) as DeckState
}
