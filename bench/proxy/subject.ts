import type { Usage } from '../processes.ts'

/** A proxy under test. */
export type Subject = {
  readonly name: string
  /** Where it takes requests without TLS; the paths of the upstream follow. */
  readonly http: string
  /** Where it takes them with TLS; undefined when it does not. */
  readonly https?: string | undefined
  /** What the processes that carry requests used so far. */
  carriers(): Usage
  /** What the whole program used so far. */
  program(): Usage
  /** Returns when it has caught up with its own work. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** What every subject is started with. */
export type SubjectPlace = {
  /** Address of the upstream. */
  readonly upstream: string
  /** A file that holds a certificate and its key. */
  readonly certificate: string
}

/** The key that requests show, where keys are asked for. */
export const key = 'bench-key'
