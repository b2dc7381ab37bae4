import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { between, isHost, reference, tags } from './fields.ts'

/** One address in an upstream. */
export const target = defineEntity({
  name: 'target',
  plural: 'targets',
  about: 'One address in an upstream.',
  key: 'target',
  unique: [['upstream', 'target']],
  refersTo: { upstream: 'upstream' },
  belongsTo: 'upstream',
  fields: z.strictObject({
    upstream: reference(),
    target: z
      .string()
      .min(1)
      .refine((value) => parseTarget(value) !== undefined, {
        error: (issue) =>
          `Invalid target ('${String(issue.input)}'); not a valid hostname or ip address`,
      })
      .transform((value) => {
        const { host, port } = parseTarget(value) ?? { host: value, port: 8000 }
        return `${host}:${port}`
      })
      .describe('host or host:port; the port is 8000 unless given.'),
    weight: between(0, 65_535)
      .default(100)
      .describe('Share of requests relative to the others; 0 takes none.'),
    tags: tags(),
  }),
})

/** A stored target. */
export type Target = Stored<Omit<z.output<typeof target.fields>, 'upstream'>> & {
  upstream: { id: string }
}

/** The host and port in `host`, `host:port`, `[v6]` or `[v6]:port`, with 8000 as Kong's default port; undefined when it is none of these. */
export function parseTarget(text: string): { host: string; port: number } | undefined {
  const found = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text)
  const host = found?.[1] ?? ''
  const port = Number(found?.[2] ?? 8000)
  return isHost(host) && port <= 65_535 ? { host, port } : undefined
}
