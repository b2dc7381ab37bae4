import type { PreviewChange, PreviewDestination, PreviewReport } from '../../schema/preview.ts'
import type { PrintOptions } from './print-difference.ts'

/** One line per kind of change, consumer, route and reason, with an example request. */
export function printPreview(report: PreviewReport, print: PrintOptions): string {
  const { requests, judged, agreeing, changes, gaps, notes, took, from, to } = report
  const hours = ((to - from) / 3_600_000).toFixed(1).replace(/\.0$/, '')
  const agreement = judged === 0 ? '' : `, as recorded in ${formatShare(agreeing, judged)}`
  const head = `Of ${formatCount(requests)} requests in ${hours} hours ${formatCount(judged)} were replayed${agreement} (${(took / 1000).toFixed(1)} s).`
  const rows =
    changes.length === 0
      ? ['No request would have had another result.']
      : changes.map((one) => printChange(one, print))
  return [
    head,
    ...rows,
    ...gaps.map(({ why, requests: of }) => `not replayed: ${formatCount(of)}, because ${why}`),
    ...notes.map((note) => `note: ${note}`),
  ].join('\n')
}

const labels = {
  refused: 'newly refused',
  admitted: 'newly admitted',
  answered: 'newly answered by the gateway',
  forwarded: 'no longer answered by the gateway',
  rerouted: 'routed elsewhere',
  limited: 'newly over a limit',
  unlimited: 'no longer over a limit',
} as const
const colors = {
  refused: 31,
  limited: 31,
  admitted: 32,
  unlimited: 32,
  answered: 33,
  forwarded: 33,
  rerouted: 33,
} as const

function printChange(change: PreviewChange, { colors: isColored }: PrintOptions): string {
  const { kind, consumer, from, to, requests, by, reason, status, sure, example } = change
  const who = consumer === '' ? 'unknown callers' : consumer
  const target =
    kind === 'rerouted' ? `${targetText(from)} → ${targetText(to)}` : targetText(to ?? from)
  const detail = reason === '' ? '' : ` (${reason}, ${status})`
  const why = by === '' ? '' : ` by ${by}${kind === 'answered' ? ` (${status})` : detail}`
  const doubt = sure
    ? ''
    : ', unless the requests carried credentials or headers that are not recorded'
  const line = `${labels[kind]}: ${formatCount(requests)} from ${who} on ${target}${why}${doubt}`
  const painted = isColored ? `\u001b[${colors[kind]}m${line}\u001b[0m` : line
  return `${painted}\n  for example ${example.method} ${example.host}${example.path} at ${new Date(example.time).toISOString()}`
}

const targetText = (target: PreviewDestination): string =>
  target === null
    ? 'no route'
    : `${target.route}${target.service === '' ? '' : ` (${target.service})`}`

const formatCount = (number: number): string => number.toLocaleString('en')

const formatShare = (part: number, whole: number): string =>
  `${((100 * part) / whole).toFixed(1)} %`
