import { readFileSync } from 'node:fs'
import { Problem } from '../../lib/problem.ts'
import { readAdminAccess, readVariables } from '../environment.ts'
import type { AdminAccess } from './admin-client.ts'
import type { PrintOptions } from './print-difference.ts'
import { readDocuments, type Document, type ReadDocuments } from './read-documents.ts'

/** Options of all `weir config` commands. */
export type CommandOptions = {
  readonly addr?: string
  readonly token?: string
  readonly caCertFile?: string
  readonly tlsSkipVerify?: boolean
  readonly headers?: readonly string[]
  readonly color?: boolean
  readonly workspace?: string
  readonly state?: readonly string[]
  readonly selectTag?: readonly string[]
  readonly keepRest?: boolean
  readonly allowEmpty?: boolean
  readonly rbacResourcesOnly?: boolean
  readonly nonZeroExitCode?: boolean
  readonly jsonOutput?: boolean
  readonly againstTraffic?: string
  readonly message?: string
  readonly outputFile?: string
  readonly format?: string
  readonly allWorkspaces?: boolean
  readonly withId?: boolean
  readonly size?: string
  readonly yes?: boolean
}

export function adminAccess(options: CommandOptions): AdminAccess {
  const { addr, token, headers = [] } = options
  const defaults = readAdminAccess()
  const caFile = options.caCertFile ?? defaults.caFile
  const pairs = headers.map((header) => {
    const at = header.indexOf(':')
    if (at < 1) throw new Problem('cli.header', 400, `--headers ${header}: expected Name:value`)
    return [header.slice(0, at), header.slice(at + 1).trim()] as const
  })
  return {
    url: addr ?? defaults.url,
    token: token ?? defaults.token,
    headers: Object.fromEntries(pairs),
    ...(caFile === undefined ? {} : { ca: readAuthority(caFile) }),
    verifies: options.tlsSkipVerify !== true,
  }
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Problem('cli.ca_cert_file', 400, `--ca-cert-file: ${(error as Error).message}`)
  }
}

export const printOptions = (
  { color }: CommandOptions,
  masked: readonly string[] = [],
): PrintOptions => ({
  colors: color !== false && process.stdout.isTTY,
  masked,
})

/** The files of a command as one document for one workspace. */
export type SyncInput = ReadDocuments & {
  readonly workspace: string
  readonly query: Readonly<Record<string, string | undefined>>
}

/** Reads the files that a command names. */
export function readInput(files: readonly string[], options: CommandOptions): SyncInput {
  const paths = [...files, ...(options.state ?? [])]
  const read = readDocuments(paths.length === 0 ? ['-'] : paths, readVariables('DECK_'))
  const workspace = options.workspace ?? read.document._workspace ?? 'default'
  const document: Document = {
    ...read.document,
    _workspace: workspace,
    ...(options.selectTag === undefined
      ? {}
      : { _info: { ...read.document._info, select_tags: options.selectTag } }),
  }
  const query = {
    keep_rest: options.keepRest === true ? 'true' : undefined,
    allow_empty: options.allowEmpty === true ? 'true' : undefined,
    rbac_resources_only: options.rbacResourcesOnly === true ? 'true' : undefined,
  }
  return { document, masked: read.masked, workspace, query }
}

export const workspacePath = (workspace: string | undefined, path: string): string =>
  workspace === undefined ? path : `/${encodeURIComponent(workspace)}${path}`
