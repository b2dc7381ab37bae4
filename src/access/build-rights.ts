import { entities } from '../entities/entities.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { Stored } from '../entities/entry.ts'
import type { SnapshotItem } from '../schema/snapshot.ts'
import { segmentsOf } from './path.ts'
import type {
  EndpointRule,
  EntityRule,
  HeldRole,
  NamedEntities,
  Rights,
  RightsSource,
  RuleSource,
} from './rights.ts'

/** Resolves the names in permissions. */
export type Names = {
  readonly workspaces: readonly SnapshotItem<'workspaces'>[]
  readonly named: NamedEntities
}

/** Resolves the permissions of a principal's roles against the configuration. */
export function buildRights(source: RightsSource, names: Names): Rights {
  return {
    principal: source.principal,
    revision: source.revision,
    endpoints: source.held.flatMap((held) =>
      held.endpoints.flatMap((permission) => endpointRule(held, permission, names)),
    ),
    entities: source.held.flatMap((held) =>
      held.entities.map((permission) => entityRule(held, permission)),
    ),
    workspaces: names.workspaces,
    named: names.named,
  }
}

function endpointRule(
  held: HeldRole,
  permission: Stored<'endpoint-permission'>,
  names: Names,
): readonly EndpointRule[] {
  const confined = confinement(held)
  const written = permission.workspace === '*' ? undefined : workspaceOf(permission, names)
  // As in Kong, a role outside of the default workspace applies to its own workspace only.
  if (confined !== undefined && written !== undefined && written.id !== confined) return []
  const where = written === undefined ? workspacePhrase(held) : `workspace ${written.name}`
  return [
    {
      written,
      confined,
      segments: permission.endpoint === '*' ? undefined : segmentsOf(permission.endpoint),
      actions: permission.actions,
      negative: permission.negative,
      words: `${roleWords(held)} ${verb(permission)} ${permission.actions.join(', ')} at ${permission.endpoint} in ${where}`,
      source: sourceOf(held, permission.endpoint),
    },
  ]
}

function entityRule(held: HeldRole, permission: Stored<'entity-permission'>): EntityRule {
  const anyEntity = permission.entity_id === '*'
  const kind = entities.find((entity) =>
    [entity.name, entity.plural].includes(permission.entity_type),
  )?.plural
  const what = anyEntity ? `every one of ${kind ?? 'all entities'}` : permission.entity_id
  return {
    entity: permission.entity_id.toLowerCase(),
    kind: anyEntity && permission.entity_type !== 'wildcard' ? (kind ?? 'nothing') : undefined,
    confined: confinement(held),
    actions: permission.actions,
    negative: permission.negative,
    words: `${roleWords(held)} ${verb(permission)} ${permission.actions.join(', ')} on ${what} in ${workspacePhrase(held)}`,
    source: { ...sourceOf(held, what), ...(kind === undefined ? {} : { kind }) },
  }
}

const confinement = ({ workspace }: HeldRole): string | undefined =>
  workspace.id === defaultWorkspace.id ? undefined : workspace.id

function workspaceOf({ workspace }: Stored<'endpoint-permission'>, names: Names) {
  const found = names.workspaces.find(({ id, name }) => workspace === name || workspace === id)
  return { id: found?.id, name: found?.name ?? workspace }
}

const workspacePhrase = (held: HeldRole): string =>
  confinement(held) === undefined ? 'every workspace' : `workspace ${held.workspace.name}`

const roleWords = ({ role, workspace, group }: HeldRole): string =>
  `role ${role.name} of workspace ${workspace.name}${group === undefined ? '' : ` (by group ${group})`}`

const sourceOf = (held: HeldRole, about: string): RuleSource => ({
  role: held.role.name,
  workspace: held.workspace.name,
  ...(held.group === undefined ? {} : { group: held.group }),
  about,
})

const verb = ({ negative }: { negative: boolean }): string => (negative ? 'forbids' : 'allows')
