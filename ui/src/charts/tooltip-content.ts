import { formatClock, formatDate } from '../format/format.ts'

/** The part of an ECharts tooltip parameter that is used. */
type Hovered = {
  readonly seriesName: string
  readonly color: string
  readonly value: readonly [number, number | null]
}

/** The tooltip of a time chart, built from DOM nodes so that names are never parsed as HTML. */
export function tooltipContent(
  parameters: unknown,
  bucket: number,
  format: (value: number) => string,
): HTMLElement {
  const hovered = (Array.isArray(parameters) ? parameters : []) as readonly Hovered[]
  const box = element('div', 'min-width:132px')
  const time = (hovered[0]?.value[0] ?? 0) - bucket / 2
  box.append(
    element(
      'div',
      'font-weight:600;margin-bottom:4px;font-size:11px;opacity:.8',
      span(time, bucket),
    ),
  )
  for (const { seriesName, color, value } of hovered.toReversed()) {
    if (value[1] === null || value[1] === undefined) continue
    const row = element('div', 'display:flex;align-items:center;gap:7px;line-height:1.6')
    row.append(
      element('span', `width:8px;height:8px;border-radius:2px;background:${color}`),
      element('span', 'flex:1;padding-right:14px', seriesName),
      element('span', 'font-variant-numeric:tabular-nums;font-weight:600', format(value[1])),
    )
    box.append(row)
  }
  return box
}

function span(time: number, bucket: number): string {
  if (bucket >= 86_400_000) return new Date(time).toDateString()
  const recent = Date.now() - time < 86_400_000
  return `${recent ? formatClock(time) : formatDate(time)} – ${formatClock(time + bucket)}`
}

function element(name: string, style: string, content = ''): HTMLElement {
  const made = document.createElement(name)
  made.style.cssText = style
  made.textContent = content
  return made
}
