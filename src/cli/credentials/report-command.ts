import { Problem } from '../../lib/problem.ts'
import type { CredentialLine, CredentialReport } from '../../schema/credential-report.ts'
import { callAdmin } from '../config/admin-client.ts'
import { adminAccess, type CommandOptions, workspacePath } from '../config/command-options.ts'

/** Options of `weir credentials report`. */
export type ReportOptions = CommandOptions & {
  readonly kind?: string
  readonly consumer?: string
  readonly olderThan?: string
  readonly unusedFor?: string
  readonly expiresWithin?: string
  readonly expired?: boolean
}

/** Options of `weir credentials rotate`. */
export type RotateOptions = CommandOptions & {
  readonly overlap?: string
  readonly ttl?: string
}

export async function reportCommand(options: ReportOptions): Promise<void> {
  const { data, last_use: lastUse } = await readReport(options)
  if (options.nonZeroExitCode === true && data.length > 0) process.exitCode = 2
  if (options.jsonOutput === true)
    return console.log(JSON.stringify({ data, last_use: lastUse }, undefined, 2))
  for (const line of data) console.log(writeLine(line, lastUse.is_known))
  console.log(
    `${data.length} ${data.length === 1 ? 'credential' : 'credentials'}. ${lastUse.statement}`,
  )
}

/** All pages of the report. */
async function readReport(options: ReportOptions): Promise<Omit<CredentialReport, 'offset'>> {
  const query = {
    kind: options.kind,
    consumer: options.consumer,
    older_than: options.olderThan,
    unused_for: options.unusedFor,
    expires_within: options.expiresWithin,
    expired: options.expired === true ? 'true' : undefined,
    size: '1000',
  }
  const data: CredentialLine[] = []
  let page: CredentialReport | undefined
  do {
    const offset = page?.offset ?? undefined
    page = await callAdmin<CredentialReport>(adminAccess(options), {
      method: 'GET',
      path: workspacePath(options.workspace, '/credentials'),
      query: { ...query, offset },
    })
    data.push(...page.data)
  } while (page.offset !== null)
  return { data, last_use: page.last_use }
}

function writeLine(line: CredentialLine, isUseKnown: boolean): string {
  const { kind, name, id, consumer, age, expires_at: expires, last_used_at: used } = line
  const columns = [
    kind.padEnd(10),
    (consumer.name ?? consumer.id).padEnd(20),
    (name ?? id).padEnd(36),
    `${Math.floor(age / 86_400)} days old`.padEnd(14),
    (isUseKnown ? `last used ${used?.slice(0, 10) ?? 'never'}` : 'last use unknown').padEnd(20),
    expires === null
      ? 'never expires'
      : `${line.is_expired ? 'expired' : 'expires'} ${dateOf(expires)}`,
  ]
  return columns.join('  ')
}

const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)

type Rotated = {
  readonly id: string
  readonly secret: string
  readonly replaces: { readonly id: string; readonly expires_at: number }
}

export async function rotateCommand(
  { kind, consumer, credential }: Readonly<Record<'kind' | 'consumer' | 'credential', string>>,
  options: RotateOptions,
): Promise<void> {
  const path = ['consumers', consumer, kind, credential, 'rotate'].map(encodeURIComponent).join('/')
  const rotated = await callAdmin<Rotated>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(options.workspace, `/${path}`),
    body: {
      overlap: secondsIn('--overlap', options.overlap ?? '3600'),
      ...(options.ttl === undefined ? {} : { ttl: secondsIn('--ttl', options.ttl) }),
    },
  })
  if (options.jsonOutput === true) return console.log(JSON.stringify(rotated, undefined, 2))
  const until = new Date(rotated.replaces.expires_at * 1000).toISOString()
  console.log(`${rotated.secret}\nThe old secret is valid until ${until}.`)
}

function secondsIn(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Problem('cli.seconds', 400, `${option} ${text}: expected a number of seconds`)
}
