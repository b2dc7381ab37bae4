import type { Usage } from '../processes.ts'

export type Subject = {
  readonly name: string
  /** Base URL without TLS; the paths of the upstream follow. */
  readonly http: string
  /** Base URL with TLS; undefined without TLS support. */
  readonly https?: string | undefined
  /** Usage of the processes that forward requests. */
  carriers(): Usage
  /** Usage of all its processes. */
  program(): Usage
  /** Waits for the end of background work. */
  settle(): Promise<void>
  close(): Promise<void>
}

export type SubjectOptions = {
  readonly upstream: string
  /** A PEM file with certificate and key. */
  readonly certificate: string
}

/** The API key, for subjects that require one. */
export const key = 'bench-key'
