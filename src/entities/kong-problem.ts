import { Problem } from '../lib/problem.ts'
import { violationMessage, type Violations } from './violations.ts'

/** Kong's code 2. */
export const schemaViolation = (fields: Violations): Problem =>
  new Problem('control.schema', 400, violationMessage(fields), {
    detail: { code: 2, name: 'schema violation', fields },
  })

/** Kong's code 3. */
export const idTaken = (id: string): Problem =>
  new Problem('control.id_taken', 400, `primary key violation on key '${pretty({ id })}'`, {
    detail: { code: 3, name: 'primary key violation', fields: { id } },
  })

/** A reference by id to an entity that does not exist (Kong's code 4). */
export function brokenReference(field: string, id: string, plural: string): Problem {
  const message = `the foreign key '${pretty({ id })}' does not reference an existing '${plural}' entity.`
  return new Problem('control.reference', 400, message, {
    detail: { code: 4, name: 'foreign key violation', fields: { [field]: { id } } },
  })
}

/** The deletion of an entity that others refer to (Kong's code 4). */
export function stillReferenced(plural: string, by: string): Problem {
  const message = `an existing '${by}' entity references this '${plural}' entity`
  return new Problem('control.referenced', 400, message, {
    detail: { code: 4, name: 'foreign key violation', fields: { '@referenced_by': by } },
  })
}

/** Kong's code 5. */
export const notUnique = (fields: Readonly<Record<string, unknown>>): Problem =>
  new Problem('control.unique', 409, `UNIQUE violation detected on '${pretty(fields)}'`, {
    detail: { code: 5, name: 'unique constraint violation', fields },
  })

/** A reference by name to an entity that does not exist (Kong's code 13). */
export function unresolvedReference(
  field: string,
  [key, value]: readonly [string, string],
  plural: string,
): Problem {
  const sentence = `the foreign key cannot be resolved with '${pretty({ [key]: value })}' for an existing '${plural}' entity`
  const message = `foreign key unresolved (${field}.${key}: ${sentence})`
  return new Problem('control.unresolved', 400, message, {
    detail: {
      code: 13,
      name: 'foreign keys unresolved',
      fields: { [field]: { [key]: sentence } },
    },
  })
}

export const notFound = (): Problem => new Problem('control.not_found', 404, 'Not found')

/** The Lua table notation of Kong's messages. */
function pretty(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value).map(([key, inner]) => {
    const name = /^[a-z_]\w*$/i.test(key) ? key : `[${JSON.stringify(key)}]`
    return `${name}=${pretty(inner)}`
  })
  return `{${members.join(',')}}`
}
