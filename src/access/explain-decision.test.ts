import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  arbitraryRights,
  routes,
  services,
  workspaces,
} from '../../test/harness/arbitrary-rights.ts'
import type { Action } from '../entities/action.ts'
import { decide, verdictOn } from './decide.ts'
import { entitlementsOf, reaches } from './entitlements.ts'
import { explainAccess } from './explain-decision.ts'
import type { AccessRequest } from './rights.ts'

const verbs: readonly Action[] = ['create', 'read', 'update', 'delete']

/** Everything there is in the small world, as a request names it. */
const things = [
  ...services.map((one) => ({ ...one, kind: 'services' })),
  ...routes.map((one) => ({ ...one, kind: 'routes' })),
]

const workspaceById = (id: string) => workspaces.find((one) => one.id === id) ?? workspaces[0]

const askAbout = (
  { kind, id, name, workspace }: (typeof things)[number],
  action: Action,
): AccessRequest => ({
  workspace: workspaceById(workspace),
  path: `/${kind}/${name ?? id}`,
  action,
  entity: { type: kind, id, name },
})

const asks = fc.constantFrom<AccessRequest>(
  ...things.flatMap((thing) => verbs.map((action) => askAbout(thing, action))),
  ...workspaces.flatMap((workspace) =>
    ['/services', '/consumers', '/audit'].map((path): AccessRequest => ({
      workspace,
      path,
      action: 'read',
    })),
  ),
)

test('an explanation agrees with the decision and marks the one deciding rule', () => {
  fc.assert(
    fc.property(arbitraryRights, asks, (rights, ask) => {
      const told = explainAccess(rights, ask, 'asked')
      const deciding = told.rules.filter(({ decides }) => decides)
      expect(told.says).toBe(verdictOn(rights, ask).says)
      expect(deciding.length).toBe(told.says === 'nothing' ? 0 : 1)
      expect(deciding.every(({ negative }) => negative === (told.says === 'deny'))).toBe(true)
      expect(decide(rights, ask).allowed).toBe(told.says === 'allow')
      const levels = told.rules.map(({ level }) => level)
      expect(levels).toEqual(levels.toSorted((a, b) => a - b))
      expect(told.says === 'deny' || deciding.every(({ level }) => level >= (levels[0] ?? 0))).toBe(
        true,
      )
    }),
    { numRuns: 500 },
  )
})

test('an entitlement of all or none holds for every entity, and only in workspaces that a rule reaches', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      for (const workspace of workspaces) {
        const may = entitlementsOf(rights, workspace, ['services', 'routes'])
        for (const thing of things.filter((one) => one.workspace === workspace.id)) {
          for (const action of verbs.slice(1)) {
            const { allowed } = decide(rights, askAbout(thing, action))
            const extent = may.get(thing.kind)?.[action].extent
            expect([extent, allowed]).not.toEqual(['all', false])
            expect([extent, allowed]).not.toEqual(['none', true])
            expect(allowed && !reaches(rights, workspace)).toBe(false)
          }
        }
      }
    }),
    { numRuns: 500 },
  )
})
