import { expect, test } from 'vitest'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { snapshotOf, type Snapshot } from '../../schema/snapshot.ts'
import { openKeyHashes } from './key-hashes.ts'
import { changeDirectory, emptyDirectory } from './open-directory.ts'

const clock = { now: () => 0 }
const snapshots = [['k'], ['k', 'l'], ['l']].map((keys) =>
  buildTestSnapshot({ consumers: { ann: { keys }, bob: {} } }),
)
const [workspace = ''] = snapshots[0]?.workspaces.keys() ?? []

test('an API key is hashed once, although keys change, and an unknown key is not cached', () => {
  const { get, remember } = openKeyHashes()
  const hits: string[] = []
  const hashes = {
    get(secret: string) {
      const hash = get(secret)
      if (hash !== undefined) hits.push(secret)
      return hash
    },
    remember,
  }
  let tables = { ...emptyDirectory(clock), hashes }
  let before: Snapshot = snapshotOf({})
  const found = snapshots.map((snapshot) => {
    tables = { ...runToCompletion(changeDirectory(tables, before, snapshot, clock)), hashes }
    before = snapshot
    const { findKey } = tables.directory
    return ['k', 'k', 'l', 'guess'].map((key) => findKey(workspace, key)?.credential)
  })
  expect(found).toEqual([
    ['ann-k', 'ann-k', undefined, undefined],
    ['ann-k', 'ann-k', 'ann-l', undefined],
    [undefined, undefined, 'ann-l', undefined],
  ])
  expect(hits).toEqual(['k', 'k', 'k', 'l'])
  expect(get('guess')).toBeUndefined()
})

test('caches a bounded number of hashes of the most recently used keys', () => {
  const hashes = openKeyHashes(10)
  const names = Array.from({ length: 100 }, (_, number) => `key ${number}`)
  for (const name of names) {
    hashes.remember(name, name)
    hashes.remember('often', hashes.get('often') ?? 'first')
  }
  const known = names.filter((name) => hashes.get(name) === name)
  expect(known.length).toBeLessThanOrEqual(20)
  expect(names.slice(-8).filter((name) => !known.includes(name))).toEqual([])
  expect(hashes.get('often')).toBe('first')
})
