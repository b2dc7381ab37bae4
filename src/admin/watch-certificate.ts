import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Log } from '../lib/log.ts'

/** PEM. */
export type Certificate = { readonly cert: string; readonly key: string }

/** A certificate that may be replaced. */
export type CertificateSource = {
  readonly current: Certificate
  onChange(listener: (next: Certificate) => void): void
  close(): void
}

export type WatchOptions = {
  /** Paths. */
  readonly files: { readonly cert: string; readonly key: string }
  readonly log: Log
  /** Milliseconds between two checks of the files. */
  readonly interval?: number
}

/** A certificate that is never reloaded. */
export const fixedCertificate = (current: Certificate): CertificateSource => ({
  current,
  onChange: () => undefined,
  close: () => undefined,
})

/** Reads a certificate and its key, and reloads them when the files change, also behind symbolic links. An unusable pair, such as a new certificate before its key, is logged once, and the previous pair stays in use. */
export async function watchCertificate({
  files,
  log,
  interval = 5_000,
}: WatchOptions): Promise<CertificateSource> {
  let current = await readPair(files)
  let refused = ''
  const listeners: ((next: Certificate) => void)[] = []
  const look = async (): Promise<void> => {
    let next: Certificate | undefined
    try {
      next = await readPair(files)
      if (isSame(next, current)) return
      createSecureContext(next)
      current = next
      refused = ''
      for (const listener of listeners) listener(next)
      log.info('admin: certificate reloaded', { file: files.cert })
    } catch (error) {
      const seen = `${next?.cert} ${next?.key} ${String(error)}`
      if (seen === refused) return
      refused = seen
      log.error('admin: certificate reload failed, keeping the previous one', {
        file: files.cert,
        error,
      })
    }
  }
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = undefined))
  }, interval)
  timer.unref()
  return {
    get current() {
      return current
    },
    onChange(next) {
      listeners.push(next)
    },
    close: () => clearInterval(timer),
  }
}

const readPair = async (files: WatchOptions['files']): Promise<Certificate> => ({
  cert: await readFile(files.cert, 'utf8'),
  key: await readFile(files.key, 'utf8'),
})

const isSame = (one: Certificate, other: Certificate): boolean =>
  one.cert === other.cert && one.key === other.key
