import type { Progress } from './admin-client.ts'

const verbs: Readonly<Record<string, string>> = {
  plan: 'Planning',
  change: 'Changing',
  replay: 'Replaying',
}

/** Shows progress on one line of a terminal; prints nothing elsewhere. */
export function showProgress(stream: NodeJS.WriteStream): {
  readonly on: (progress: Progress) => void
  readonly end: () => void
} {
  let isShown = false
  return {
    on({ phase, done, total }) {
      if (!stream.isTTY) return
      isShown = true
      const of = `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`
      stream.write(`\r\u001b[K${verbs[phase] ?? phase} ${of}`)
    },
    end: () => void (isShown && stream.write('\r\u001b[K')),
  }
}
