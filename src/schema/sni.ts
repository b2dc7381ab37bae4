import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { isHost, reference, tags } from './fields.ts'

/** A server name for which a certificate is shown. One name is one tenant's: it exists once in all workspaces, because a handshake says no workspace. */
export const sni = defineEntity({
  name: 'sni',
  plural: 'snis',
  about: 'A server name for which a certificate is shown.',
  key: 'name',
  unique: ['name'],
  uniqueEverywhere: true,
  refersTo: { certificate: 'certificate' },
  belongsTo: 'certificate',
  fields: z.strictObject({
    name: z
      .string()
      .refine((name) => isServerName(name), {
        error: (issue) => `invalid value: ${String(issue.input)}`,
      })
      .transform((name) => name.toLowerCase())
      .describe(
        'A host name; one leading or trailing * stands for one label, * alone for any name.',
      ),
    certificate: reference(),
    tags: tags(),
  }),
})

/** A stored server name. */
export type Sni = Stored<Omit<z.output<typeof sni.fields>, 'certificate'>> & {
  certificate: { id: string }
}

/** Whether `name` is a host name, alone or with a `*` for its first or last label, or `*`. */
export function isServerName(name: string): boolean {
  if (name === '*') return true
  const plain = name.startsWith('*.')
    ? name.slice(2)
    : name.endsWith('.*')
      ? name.slice(0, -2)
      : name
  return isHost(plain) && !/^[\d.]+$|[:[\]]/.test(plain)
}
