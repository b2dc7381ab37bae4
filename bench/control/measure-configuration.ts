import { readFileSync } from 'node:fs'
import { adminToken, startWeir, type TestWeir } from '../../test/harness/start-weir.ts'
import { rounded, type Row } from '../report.ts'
import { buildDocument, type Size } from './build-document.ts'

/** Syncs, diffs and dumps a large configuration through the Admin API of a complete Weir; reports durations and the memory of the control plane. */
export async function measureConfiguration(
  size: Size,
  { rounds, onProgress }: { readonly rounds: number; readonly onProgress: (line: string) => void },
): Promise<readonly Row[]> {
  const stops: (() => Promise<void>)[] = []
  const weir = await startWeir({
    env: { WEIR_WORKERS: '1' },
    onFinished: (stop) => void stops.push(stop),
  })
  try {
    const name = `${size.routes.toLocaleString('en-US')} routes, ${size.consumers.toLocaleString('en-US')} consumers`
    const rows: Row[] = []
    const measure = async (what: string, work: () => Promise<Response>): Promise<void> => {
      const began = performance.now()
      const answer = await work()
      const text = await answer.text()
      const milliseconds = performance.now() - began
      if (!answer.ok) throw new Error(`${what}: ${answer.status} ${text.slice(0, 500)}`)
      onProgress(`${what}: ${Math.round(milliseconds)} ms`)
      rows.push({
        case: what,
        subject: `weir, ${name}`,
        time_ms: rounded(milliseconds),
        answer_mb: rounded(text.length / 1e6),
        control_rss_mb: Math.round(residentBytes(weir) / 1e6),
      })
    }
    await measure('sync of everything', () => post(weir, 'sync', buildDocument(size)))
    for (let round = 1; round <= rounds; round += 1) {
      const port = 8080 + round
      await measure('diff, nothing different', () =>
        post(weir, 'diff', buildDocument(size, port - 1)),
      )
      await measure('diff, one service', () => post(weir, 'diff', buildDocument(size, port)))
      await measure('sync of one service', () => post(weir, 'sync', buildDocument(size, port)))
      await measure('dump', () => weir.admin('GET', '/config/document'))
    }
    return fastestOf(rows)
  } finally {
    for (const stop of stops) await stop()
  }
}

const post = (weir: TestWeir, what: string, document: object): Promise<Response> =>
  weir.admin('POST', `/config/${what}`, document, adminToken)

/** proc(5): the second field of statm is resident pages of 4 KiB. */
function residentBytes(weir: TestWeir): number {
  const [control = 0] = weir.children('weir control')
  return Number(readFileSync(`/proc/${control}/statm`, 'latin1').split(' ')[1]) * 4096
}

/** The fastest round, which other processes disturbed least. */
function fastestOf(rows: readonly Row[]): readonly Row[] {
  const byCase = Map.groupBy(rows, (row) => row.case)
  return [...byCase.values()].map((list) =>
    list.reduce((best, row) => (Number(row['time_ms']) < Number(best['time_ms']) ? row : best)),
  )
}
