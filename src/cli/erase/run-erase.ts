import { Problem } from '../../lib/problem.ts'
import { callAdmin } from '../config/admin-client.ts'
import { adminAccess, type CommandOptions } from '../config/command-options.ts'

/** With one selector: its name in camel case, and the value. */
export type EraseOptions = CommandOptions & Readonly<Record<string, unknown>>

type Erased = {
  readonly id: string
  readonly before: number
  readonly after: number
  readonly salt: string
  readonly hash: string
  readonly audit?: { readonly sequence: number; readonly hash: string }
}

export async function eraseCommand(
  options: EraseOptions,
  selectors: readonly string[],
): Promise<void> {
  const given = selectors.filter((name) => options[name] !== undefined)
  if (given.length !== 1)
    throw new Problem('cli.erase', 400, `expected one of ${selectors.map(optionOf).join(', ')}`)
  const body = {
    ...Object.fromEntries(given.map((name) => [inSnakeCase(name, '_'), options[name]])),
    ...(options.workspace === undefined ? {} : { workspace: options.workspace }),
  }
  const call = { method: 'POST', path: '/warehouse/erasures', body } as const
  const { id, before, after, salt, hash, audit } = await callAdmin<Erased>(
    adminAccess(options),
    call,
  )
  console.log(`Erased: ${before} requests before, ${after} after (erasure ${id}).`)
  console.log(`SHA-256 of the salt ${salt} and the value: ${hash}.`)
  if (audit !== undefined) console.log(`Signed in the audit log up to record ${audit.sequence}.`)
}

const inSnakeCase = (name: string, separator: string): string =>
  name.replaceAll(/[A-Z]/g, (one) => `${separator}${one.toLowerCase()}`)

const optionOf = (name: string): string => `--${inSnakeCase(name, '-')}`
