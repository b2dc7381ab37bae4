import { statfs } from 'node:fs/promises'

/** Space for spooled events of a node: bytes, or a share of the file system. */
export type SpoolLimit = { readonly bytes: number } | { readonly share: number }

/** The limit of one spool, and whether its disk has space. */
export type SpaceLimit = {
  readonly maxBytes: number
  /** Whether the file system is nearly full, or a write has failed for lack of space. */
  readonly isDiskFull: boolean
  /** Call when a write has failed. */
  failed(error: unknown): void
  /** Measures the file system again. */
  refresh(this: void): Promise<void>
}

export const unlimited: SpaceLimit = {
  maxBytes: Infinity,
  isDiskFull: false,
  failed: () => undefined,
  refresh: async () => undefined,
}

/** Space of a file system that is left free: the smaller of 2 % and 64 MiB. */
const reserveOf = (total: number): number => Math.min(total / 50, 64 * 1024 ** 2)

/** Opens the limit for one of the `workers` that write on the file system of `path`. It is measured by `refresh` only. */
export function openSpoolLimit(path: string, limit: SpoolLimit, workers: number): SpaceLimit {
  let maxBytes = 'bytes' in limit ? limit.bytes / workers : Infinity
  let isDiskFull = false
  /** Space that was insufficient for a write; undefined until it is measured. */
  let insufficient: { bytes: number | undefined } | undefined
  return {
    get maxBytes() {
      return maxBytes
    },
    get isDiskFull() {
      return isDiskFull
    },
    failed(error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
        isDiskFull = true
        insufficient = { bytes: undefined }
      }
    },
    async refresh() {
      const { bsize, blocks, bavail } = await statfs(path)
      const total = bsize * blocks
      if ('share' in limit) maxBytes = (total * limit.share) / workers
      const free = bsize * bavail
      const reserve = reserveOf(total)
      if (insufficient !== undefined) insufficient.bytes ??= free
      isDiskFull = total > 0 && free < reserve + (insufficient?.bytes ?? 0)
      if (!isDiskFull) insufficient = undefined
    },
  }
}
