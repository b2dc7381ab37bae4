import { z } from 'zod'
import { definePlugin } from '../proxy/plugin.ts'
import { customFieldsByLua } from './logs/log-settings.ts'
import { encodeLines, openLogExport, streamQueue } from './logs/open-log-export.ts'

const settings = z.strictObject({
  path: z
    .string()
    .regex(/^[^\s*&%\\`][^*&%\\`]*[^\s*&%\\`]$/, { error: 'not a valid filename' })
    .describe(
      'File to append to: `/dev/stdout`, `/dev/stderr`, or a file below a directory of `WEIR_LOG_DIRECTORIES`.',
    ),
  reopen: z
    .boolean()
    .default(false)
    .meta({ isFilled: true })
    .describe('Open the file again for each batch, so that it can be rotated.'),
  custom_fields_by_lua: customFieldsByLua(),
})

export const fileLog = definePlugin({
  name: 'file-log',
  about: 'Appends an entry for each request to a file, in Kong’s JSON.',
  settings,
  prepare: ({ path, reopen }, tools) =>
    openLogExport(tools, {
      target: { kind: 'file', path, reopens: reopen },
      queue: streamQueue,
      encode: encodeLines,
    }),
})
