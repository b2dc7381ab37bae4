import { useQueries, useQuery } from '@tanstack/react-query'
import type { EntitlementRow, Entitlements } from '../../../src/schema/entitlement.ts'
import { text, type EntityRecord } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { entitlementsQuery, rbacQuery } from './access-queries.ts'

/** A principal with its permissions by workspace. */
export type Person = {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly access: ReadonlyMap<string, EntitlementRow>
  /** The principal itself, where the viewer may list principals. */
  readonly record: EntityRecord | undefined
}

/** Principals that are visible to the viewer. */
export type People = {
  readonly people: readonly Person[]
  readonly isPending: boolean
  readonly error: Error | null
  /** False when only principals with a role in the workspaces are known. */
  readonly isComplete: boolean
  readonly refetch: () => void
}

/** Every principal that is visible to the viewer, with its permissions in some workspaces. */
export function usePeople(workspaces: readonly string[]): People {
  const entitlements = useQueries({ queries: workspaces.map((name) => entitlementsQuery(name)) })
  // Principals belong to no workspace, so listing them needs rights in the default one.
  const mayList = workspacesWith(useSession(), 'rbac/explain').some(
    ({ name }) => name === 'default',
  )
  const users = useQuery({ ...rbacQuery('default', 'users'), enabled: mayList })

  const people = mergePeople(
    users.data ?? [],
    entitlements.flatMap(({ data }) => data ?? []),
  )
  return {
    people: people.toSorted((one, other) => one.name.localeCompare(other.name)),
    isPending: entitlements.some(({ isPending }) => isPending) || (mayList && users.isPending),
    error: entitlements.find(({ error }) => error !== null)?.error ?? null,
    isComplete: users.data !== undefined,
    refetch: () => {
      for (const query of entitlements) void query.refetch()
    },
  }
}

function mergePeople(
  records: readonly EntityRecord[],
  entitlements: readonly Entitlements[],
): Person[] {
  const people = new Map<string, Person>()
  for (const record of records) {
    const [name, kind] = [text(record, 'name'), text(record, 'kind')]
    people.set(record.id, { id: record.id, name, kind, access: new Map(), record })
  }
  for (const { workspace, principals } of entitlements)
    for (const row of principals) {
      const { id, name, kind } = row.principal
      const known = people.get(id) ?? { id, name, kind, access: new Map(), record: undefined }
      people.set(id, { ...known, access: new Map([...known.access, [workspace, row]]) })
    }
  return [...people.values()]
}
