import { expect, test } from 'vitest'
import { snapshotOf, type SnapshotItem } from '../schema/snapshot.ts'
import { snapshotRoot } from '../snapshot/snapshot-root.ts'
import { openPublications } from './publications.ts'

test('drops old publications, by their number and their size', () => {
  const publications = openPublications({ publications: 3, items: 10 })
  const roots: string[] = []
  let snapshot = snapshotOf({})
  const publish = (changes: number): void => {
    const revision = roots.length
    for (let at = 0; at < changes; at += 1) {
      const service = { id: `s${at}`, port: revision } as unknown as SnapshotItem<'services'>
      snapshot = { ...snapshot, services: snapshot.services.with(service.id, service) }
    }
    const root = snapshotRoot(snapshot)
    roots.push(root)
    publications.add({ snapshot, seal: { revision, root, signature: '' } })
  }
  const kept = () => roots.map((root) => publications.find(root) !== undefined)
  for (let count = 0; count < 5; count += 1) publish(1)
  expect(kept()).toEqual([false, false, true, true, true])
  publish(9)
  expect(kept()).toEqual([false, false, false, false, true, true])
  publish(50)
  expect(kept()).toEqual([false, false, false, false, false, false, true])
})
