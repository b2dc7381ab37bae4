import { entities } from '../schema/entities.ts'
import { referenceIn, type Entry } from '../schema/entry.ts'
import { Problem } from '../lib/problem.ts'
import { defaultWorkspace } from '../schema/workspace.ts'
import type { Draft } from './draft.ts'
import { entityNamed } from './entity-named.ts'
import { stillReferenced } from './kong-problem.ts'

/** Removes an entry and all that belongs to it; refuses while something else refers to it. */
export function removeEntry(draft: Draft, name: string, entry: Entry): void {
  if (name === 'workspace') clearWorkspace(draft, entry)
  for (const referring of entities) {
    for (const [field, target] of Object.entries(referring.refersTo)) {
      if (target !== name) continue
      const cascades = field === referring.belongsTo || (referring.cascades ?? []).includes(field)
      for (const child of draft.all(referring.name)) {
        if (referenceIn(child, field) !== entry.id) continue
        if (!cascades) throw stillReferenced(entityNamed(name).plural, referring.plural)
        removeEntry(draft, referring.name, child)
      }
    }
  }
  forgetPermissions(draft, name, entry)
  draft.remove(name, entry.id)
}

/** Removes one entry alone; what refers to it must be gone, or lead elsewhere, when all is done. */
export function removeAlone(draft: Draft, name: string, entry: Entry): void {
  if (name === 'workspace') clearWorkspace(draft, entry)
  forgetPermissions(draft, name, entry)
  draft.remove(name, entry.id)
}

/** Refuses a configuration in which something refers to what is not there. */
export function checkReferences(draft: Draft): void {
  for (const referring of entities) {
    for (const [field, target] of Object.entries(referring.refersTo)) {
      for (const entry of draft.all(referring.name)) {
        const id = referenceIn(entry, field)
        if (id !== undefined && draft.find(target, id) === undefined)
          throw stillReferenced(entityNamed(target).plural, referring.plural)
      }
    }
  }
}

/** Permissions that name what is gone go with it, so that what later takes the name or id does not inherit them. */
function forgetPermissions(draft: Draft, name: string, entry: Entry): void {
  for (const permission of draft.all('entity-permission')) {
    if (permission.fields['entity_id'] === entry.id)
      draft.remove('entity-permission', permission.id)
  }
  if (name !== 'workspace') return
  for (const permission of draft.all('endpoint-permission')) {
    const place = permission.fields['workspace']
    if (place === entry.fields['name'] || place === entry.id) {
      draft.remove('endpoint-permission', permission.id)
    }
  }
}

/** Roles go with their workspace; anything else must be gone before it. */
function clearWorkspace(draft: Draft, workspace: Entry): void {
  if (workspace.id === defaultWorkspace.id) {
    throw new Problem('control.default_workspace', 400, 'The default workspace cannot be deleted')
  }
  for (const entity of entities.filter(({ inWorkspace }) => inWorkspace)) {
    const inside = draft.all(entity.name).filter((entry) => entry.workspace === workspace.id)
    if (inside.length === 0 || entity.name === 'role' || entity.belongsTo === 'role') continue
    throw new Problem('control.workspace_not_empty', 400, 'Workspace is not empty', {
      detail: { fields: { '@referenced_by': entity.plural } },
    })
  }
  for (const role of draft.all('role')) {
    if (role.workspace === workspace.id) removeEntry(draft, 'role', role)
  }
}
