import type { PreviewChange, PreviewPlace, PreviewReport } from '../../schema/preview.ts'
import type { Print } from './print-difference.ts'

/** One line per kind of change, consumer, route and reason, with an example request. */
export function printPreview(report: PreviewReport, print: Print): string {
  const { requests, judged, agreeing, changes, gaps, notes, took, from, to } = report
  const hours = ((to - from) / 3_600_000).toFixed(1).replace(/\.0$/, '')
  const agreement = judged === 0 ? '' : `, as recorded in ${share(agreeing, judged)}`
  const head = `Of ${count(requests)} requests in ${hours} hours ${count(judged)} were replayed${agreement} (${(took / 1000).toFixed(1)} s).`
  const rows =
    changes.length === 0
      ? ['No request would have had another result.']
      : changes.map((one) => printChange(one, print))
  return [
    head,
    ...rows,
    ...gaps.map(({ why, requests: of }) => `not replayed: ${count(of)}, because ${why}`),
    ...notes.map((note) => `note: ${note}`),
  ].join('\n')
}

const words = {
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

function printChange(change: PreviewChange, { colors: isColored }: Print): string {
  const { kind, consumer, from, to, requests, by, reason, status, sure, example } = change
  const who = consumer === '' ? 'unknown callers' : consumer
  const target =
    kind === 'rerouted' ? `${targetText(from)} → ${targetText(to)}` : targetText(to ?? from)
  const detail = reason === '' ? '' : ` (${reason}, ${status})`
  const why = by === '' ? '' : ` by ${by}${kind === 'answered' ? ` (${status})` : detail}`
  const doubt = sure
    ? ''
    : ', unless the requests carried credentials that were not required at the time'
  const line = `${words[kind]}: ${count(requests)} from ${who} on ${target}${why}${doubt}`
  const painted = isColored ? `\u001b[${colors[kind]}m${line}\u001b[0m` : line
  return `${painted}\n  for example ${example.method} ${example.host}${example.path} at ${new Date(example.time).toISOString()}`
}

const targetText = (target: PreviewPlace): string =>
  target === null
    ? 'no route'
    : `${target.route}${target.service === '' ? '' : ` (${target.service})`}`

const count = (number: number): string => number.toLocaleString('en')

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
