import { z } from 'zod'
import { optional } from '../../entities/fields.ts'

/** Kong's `anonymous`; `credentials` is what requests lack, for example `a valid key`. */
export const anonymousSetting = (credentials: string) =>
  optional(z.string()).describe(
    `Id or username of the consumer for requests without ${credentials}. Such requests are answered 401 when null.`,
  )

export const realmSetting = () =>
  optional(z.string()).describe('Realm of the WWW-Authenticate header of 401 responses.')
