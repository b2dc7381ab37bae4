import { describe, expect, test } from 'vitest'
import { palettes, statusClasses, toStatusClass } from './palette.ts'

const schemes = ['light', 'dark'] as const

describe.each(schemes)('in the %s scheme', (scheme) => {
  const palette = palettes[scheme]
  const grounds = [palette.body, palette.panel, palette.hover]

  test.each(statusClasses)('%s stands out as a mark and reads as a word', (name) => {
    expect(contrast(palette.status[name], palette.panel)).toBeGreaterThanOrEqual(3)
    for (const ground of [...grounds, palette.statusSoft[name]])
      expect(contrast(palette.statusText[name], ground)).toBeGreaterThanOrEqual(4.5)
  })

  test('text reads on every ground', () => {
    for (const ground of grounds)
      for (const ink of [palette.text, palette.dim, palette.accent])
        expect(contrast(ink, ground)).toBeGreaterThanOrEqual(4.5)
  })

  test('percentiles and parts of time stand out, percentiles also from each other', () => {
    const { p50, p95, p99 } = palette.percentile
    for (const mark of [p50, p95, p99, ...Object.values(palette.timing)])
      expect(contrast(mark, palette.panel)).toBeGreaterThanOrEqual(3)
    expect(contrast(p50, p95)).toBeGreaterThanOrEqual(1.6)
    expect(contrast(p95, p99)).toBeGreaterThanOrEqual(1.6)
  })
})

test('a status code falls into its class', () => {
  expect([101, 204, 304, 429, 499, 503].map(toStatusClass)).toEqual([
    '1xx',
    '2xx',
    '3xx',
    '4xx',
    '4xx',
    '5xx',
  ])
})

/** WCAG 2.2 contrast ratio. */
function contrast(one: string, other: string): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (bright + 0.05) / (dim + 0.05)
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
