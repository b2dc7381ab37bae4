import { openEgress } from '../lib/egress.ts'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { listsOf, snapshotOf, type Snapshot, type SnapshotLists } from '../schema/snapshot.ts'
import { vaultKindNamed } from '../entities/vault-kinds.ts'
import { anySettings } from '../../test/harness/any-settings.ts'
import { openSecrets } from './open-secrets.ts'

const empty = buildTestSnapshot({})
const [workspace = ''] = empty.workspaces.keys()

const text = fc.constantFrom(
  'plain',
  '{vault://env/here}',
  '{vault://env/absent}',
  '{vault://own/here}',
  '{vault://own/object/member}',
  '{vault://other/here}',
)
const ids = ['a', 'b', 'c']
const byId = (value: fc.Arbitrary<string | undefined>) => fc.tuple(...ids.map(() => value))
const states = fc.record({
  plugins: byId(fc.option(text, { nil: undefined })),
  certificates: byId(fc.option(text, { nil: undefined })),
  vaults: byId(fc.option(fc.constantFrom('P_', 'Q_'), { nil: undefined })),
})

type State = typeof states extends fc.Arbitrary<infer T> ? T : never

/** Items that are equal in two snapshots are the same objects. */
function openBuilder() {
  const known = new Map<string, object>()
  const keep = <T extends object>(item: T): T => {
    const key = JSON.stringify(item)
    known.set(key, known.get(key) ?? item)
    return known.get(key) as T
  }
  return ({ plugins, certificates, vaults }: State): Snapshot => {
    const each = <T extends object>(
      values: readonly (string | undefined)[],
      make: (id: string, value: string) => T,
    ) =>
      values.flatMap((value, at) => (value === undefined ? [] : [keep(make(ids[at] ?? '', value))]))
    const config = (prefix: string) => vaultKindNamed('env')?.settings.parse({ prefix }) ?? {}
    return snapshotOf({
      ...listsOf(empty),
      plugins: each(plugins, (id, value) => ({ id, name: 'any', workspace, config: { value } })),
      certificates: each(certificates, (id, key) => ({ id, workspace, cert: 'cert', key })),
      vaults: each(vaults, (prefix, value) => {
        const name = prefix === 'a' ? 'own' : prefix === 'b' ? 'other' : 'third'
        return { id: prefix, workspace, prefix: name, name: 'env', config: config(value) }
      }),
    } as unknown as SnapshotLists)
  }
}

const variables: Readonly<Record<string, string>> = {
  HERE: 'here',
  P_HERE: 'here of P',
  Q_HERE: 'here of Q',
  P_OBJECT: '{"member":"invalid"}',
  Q_OBJECT: '{"member":"of Q"}',
}

const open = () => {
  const secrets = openSecrets({
    readVariable: (name) => variables[name],
    variablePrefix: '',
    egress: openEgress(),
    settingsOf: () => anySettings,
    files: '/run/secrets',
    clock: { now: () => 0 },
    accepts: ({ config }) => config['value'] !== 'invalid',
    onChange: () => undefined,
  })
  onTestFinished(() => secrets.close())
  return async (snapshot: Snapshot) => {
    try {
      const filled = await secrets.fill(snapshot)
      return { ...filled, refusal: undefined }
    } catch (error) {
      return { snapshot: undefined, withheld: undefined, refusal: String(error) }
    }
  }
}

test('filling by difference equals filling from scratch, and keeps unchanged items', async () => {
  let kept = 0
  await fc.assert(
    fc.asyncProperty(fc.array(states, { minLength: 2, maxLength: 6 }), async (steps) => {
      const build = openBuilder()
      const fill = open()
      const sources: Snapshot[] = []
      const filled: Snapshot[] = []
      for (const step of steps) {
        const source = build(step)
        const { snapshot, withheld, refusal } = await fill(source)
        const alone = await open()(source)
        // Of several references that lead nowhere, another may be named.
        expect(refusal === undefined).toBe(alone.refusal === undefined)
        if (snapshot === undefined || alone.snapshot === undefined) continue
        expect(listsOf(snapshot)).toEqual(listsOf(alone.snapshot))
        expect([...(withheld ?? [])]).toEqual([...alone.withheld])
        const [before, resolved] = [sources.at(-1), filled.at(-1)]
        for (const id of ids) {
          const [old, item] = [resolved?.plugins.get(id), snapshot.plugins.get(id)]
          if (old === undefined || source.plugins.get(id) !== before?.plugins.get(id)) continue
          expect(item === old).toBe(JSON.stringify(item) === JSON.stringify(old))
          kept += 1
        }
        sources.push(source)
        filled.push(snapshot)
      }
    }),
    { numRuns: 200 },
  )
  expect(kept).toBeGreaterThan(100)
})
