import { describe, expect, test } from 'vitest'
import { palettes, statusClasses, toStatusClass } from './palette.ts'

const schemes = ['light', 'dark'] as const

describe.each(schemes)('in the %s scheme', (scheme) => {
  const palette = palettes[scheme]
  const backgrounds = [palette.body, palette.panel, palette.hover]

  test.each(statusClasses)('%s has enough contrast as a mark and as text', (name) => {
    expect(contrast(palette.status[name], palette.panel)).toBeGreaterThanOrEqual(3)
    for (const background of [...backgrounds, palette.statusSoft[name]])
      expect(contrast(palette.statusText[name], background)).toBeGreaterThanOrEqual(4.5)
  })

  test('text has enough contrast on every background', () => {
    for (const background of backgrounds)
      for (const foreground of [palette.text, palette.dim, palette.accent])
        expect(contrast(foreground, background)).toBeGreaterThanOrEqual(4.5)
  })

  test('percentiles and timing parts have enough contrast', () => {
    const { p50, p95, p99 } = palette.percentile
    for (const mark of [p50, p95, p99, ...Object.values(palette.timing)])
      expect(contrast(mark, palette.panel)).toBeGreaterThanOrEqual(3)
    expect(contrast(p50, p95)).toBeGreaterThanOrEqual(1.6)
    expect(contrast(p95, p99)).toBeGreaterThanOrEqual(1.6)
  })
})

test('maps a status code to its class', () => {
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
