import type { WorkspaceRef } from '../../control/entity-paths.ts'
import type { Reader } from '../../control/reader.ts'
import { entities } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import { isRecord } from '../../lib/is-record.ts'
import type { ChainedRecord } from '../../schema/audit-record.ts'

/**
 * A record for a reader of the audit log: without entities that they may not read, and with `…` for those in its path and
 * reason. The hash is that of the whole record.
 */
export function shownRecord(stored: ChainedRecord, reader: Reader): ChainedRecord {
  // With this hash a reader could guess the message of a revision that they may read only in part.
  const { revisionHash: _hash, ...record } = stored
  const workspace: WorkspaceRef = { id: record.workspaceId, name: record.workspace }
  const path = reader.shownPath(record.path, workspace)
  return {
    ...record,
    path,
    because: shownReason({ ...record, path }, record.path, reader, workspace),
    before: record.before.filter((side) => isReadable(side, reader)),
    after: record.after.filter((side) => isReadable(side, reader)),
  }
}

function isReadable(side: unknown, { mayRead }: Reader): boolean {
  if (!isRecord(side)) return false
  const { entity, id, workspace, ...fields } = side
  const kind = entities.find(({ name }) => name === entity)
  if (kind === undefined || typeof id !== 'string') return false
  const home = typeof workspace === 'string' ? workspace : null
  const entry: Entry = { id, workspace: home, createdAt: 0, updatedAt: 0, fields }
  return mayRead(kind.name, entry)
}

/** Errors quote the request, so they are shown only to readers of everything that a request can contain. */
function shownReason(
  { because, status, path }: ChainedRecord,
  fullPath: string,
  reader: Reader,
  workspace: WorkspaceRef,
): string {
  const isDecision = status < 400 || status === 401 || status === 403
  if (isDecision) return reader.shownText(because.replaceAll(fullPath, path), workspace)
  const isOpen = entities
    .filter(({ inWorkspace }) => inWorkspace)
    .every(({ name }) => reader.mayList(name, workspace.id))
  return isOpen && path === fullPath
    ? reader.shownText(because, workspace)
    : 'The request was rejected.'
}
