import { z } from 'zod'
import type { Configuration } from '../control/configuration.ts'
import type { PlannedChange } from './plan-sync.ts'

const kept = z.record(
  z.string(),
  z.object({
    revision: z.number(),
    time: z.number(),
    principal: z.string(),
    message: z.string().nullable(),
    tags: z.array(z.string()),
  }),
)

/** The last sync of a workspace with some tags. */
export type KeptSync = z.output<typeof kept>[string]

/** The setting that says what was synced last in a workspace, and how it reads after this sync. */
export async function rememberSync(
  configuration: Configuration,
  { workspaceId, selectTags }: Pick<PlannedChange, 'workspaceId' | 'selectTags'>,
  { principal, message }: { readonly principal: string; readonly message: string | undefined },
): Promise<{ readonly name: string; readonly value: (revision: number) => string }> {
  const before = await syncsOf(configuration, workspaceId)
  const tags = [...selectTags].sort()
  const time = configuration.clock.now()
  return {
    name: settingOf(workspaceId),
    value: (revision) =>
      JSON.stringify({
        ...before,
        [tags.join(',')]: { revision, time, principal, message: message ?? null, tags },
      }),
  }
}

/** By their tags, the last syncs of a workspace. */
export async function syncsOf(
  configuration: Configuration,
  workspaceId: string,
): Promise<Readonly<Record<string, KeptSync>>> {
  const text = await configuration.readSetting(settingOf(workspaceId))
  return text === undefined ? {} : kept.parse(JSON.parse(text))
}

const settingOf = (workspaceId: string): string => `synced ${workspaceId}`
