import { createInterface } from 'node:readline/promises'
import { Problem } from '../../lib/problem.ts'
import type { ConfigDifference, Drift, RevisionSummary } from '../../schema/config-difference.ts'
import { callAdmin } from './admin-client.ts'
import { adminAccess, workspacePath, printOptions, type CommandOptions } from './command-options.ts'
import { printCounts, printDifference, printItem } from './print-difference.ts'

export async function historyCommand(options: CommandOptions): Promise<void> {
  const listed = await get<{ data: readonly RevisionSummary[] }>(options, '/config/revisions', {
    size: options.size,
  })
  if (options.jsonOutput === true) return console.log(JSON.stringify(listed, undefined, 2))
  for (const { number, time, principal, message, summary, counts } of listed.data) {
    const sizes = `+${counts.created} ~${counts.updated} -${counts.deleted}`
    const words = `  ${message ?? summary ?? ''}`.trimEnd()
    console.log(
      `${String(number).padStart(6)}  ${timeText(time)}  ${principal.padEnd(16)}  ${sizes.padEnd(14)}${words}`,
    )
  }
}

export async function showCommand(revision: string, options: CommandOptions): Promise<void> {
  const revisionDetail = await get<RevisionSummary & ConfigDifference>(
    options,
    `/config/revisions/${encodeURIComponent(revision)}`,
  )
  if (options.jsonOutput === true) return console.log(JSON.stringify(revisionDetail, undefined, 2))
  const words = revisionDetail.message === null ? '' : `: ${revisionDetail.message}`
  console.log(
    `Revision ${revisionDetail.number}, ${timeText(revisionDetail.time)}, by ${revisionDetail.principal}${words}`,
  )
  console.log(printDifference(revisionDetail, { ...printOptions(options), isPast: true }))
}

/** Creates a revision that equals an earlier one, after showing the differences and confirming. */
export async function rollbackCommand(revision: string, options: CommandOptions): Promise<void> {
  const at = `/config/revisions/${encodeURIComponent(revision)}`
  const planned = await get<ConfigDifference & { revision: number }>(options, `${at}/compare`)
  console.log(printDifference(planned, printOptions(options)))
  if (planned.items.length === 0) return console.log('No differences.')
  if (options.yes !== true && !(await confirmRollback(revision))) return console.log('Cancelled.')
  const done = await callAdmin<{ revision: number }>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(options.workspace, `${at}/rollback`),
    query: { message: options.message, revision: String(planned.revision) },
  })
  console.log(`Revision ${done.revision} equals revision ${revision}.`)
}

export async function driftCommand(options: CommandOptions): Promise<void> {
  const drift = await get<Drift>(options, '/config/drift', { tags: options.selectTag?.join(',') })
  if (options.nonZeroExitCode === true && drift.items.length > 0) process.exitCode = 2
  if (options.jsonOutput === true) return console.log(JSON.stringify(drift, undefined, 2))
  if (drift.synced === undefined) return console.log('No sync was recorded here.')
  const { revision, time, principal } = drift.synced
  console.log(`Last sync: revision ${revision}, ${timeText(time)}, by ${principal}`)
  for (const item of drift.items) {
    console.log(printItem(item, { ...printOptions(options), isPast: true }))
    for (const author of item.by) {
      console.log(
        `    by ${author.principal} in revision ${author.revision}, ${timeText(author.time)}`,
      )
    }
  }
  console.log(printCounts(drift.counts))
}

const get = <Result>(
  options: CommandOptions,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<Result> =>
  callAdmin<Result>(adminAccess(options), {
    method: 'GET',
    path: workspacePath(options.workspace, path),
    query,
  })

const timeText = (time: number): string =>
  new Date(time).toISOString().replace('T', ' ').slice(0, 19)

async function confirmRollback(revision: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Problem(
      'cli.unsure',
      400,
      'The confirmation needs a terminal; pass --yes to roll back without it',
    )
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await lines.question(`Roll back to revision ${revision}? [y/N] `)
  lines.close()
  return /^y(es)?$/i.test(answer.trim())
}
