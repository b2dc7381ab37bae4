import { z } from 'zod'
import type { Configuration } from '../control/configuration.ts'
import type { PlannedChange } from './plan-sync.ts'

const recordedSyncs = z.record(
  z.string(),
  z.object({
    revision: z.number(),
    time: z.number(),
    principal: z.string(),
    message: z.string().nullable(),
    tags: z.array(z.string()),
  }),
)

/** The last sync of a workspace with a set of tags. */
export type RecordedSync = z.output<typeof recordedSyncs>[string]

/** Returns the setting that records this sync; the caller writes it together with the change. */
export async function recordSync(
  configuration: Configuration,
  { workspaceId, selectTags }: Pick<PlannedChange, 'workspaceId' | 'selectTags'>,
  { principal, message }: { readonly principal: string; readonly message: string | undefined },
): Promise<{ readonly name: string; readonly value: (revision: number) => string }> {
  const before = await readSyncs(configuration, workspaceId)
  const tags = [...selectTags].sort()
  const time = configuration.clock.now()
  return {
    name: settingName(workspaceId),
    value: (revision) =>
      JSON.stringify({
        ...before,
        [tags.join(',')]: { revision, time, principal, message: message ?? null, tags },
      }),
  }
}

/** The last syncs of a workspace by their sorted, comma-separated tags. */
export async function readSyncs(
  configuration: Configuration,
  workspaceId: string,
): Promise<Readonly<Record<string, RecordedSync>>> {
  const text = await configuration.readSetting(settingName(workspaceId))
  return text === undefined ? {} : recordedSyncs.parse(JSON.parse(text))
}

const settingName = (workspaceId: string): string => `synced ${workspaceId}`
