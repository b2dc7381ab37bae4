const units = [
  ['y', 31_536_000],
  ['mo', 2_592_000],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const

/** How long ago a time was, shortly: `3 d ago`. */
export function formatAge(time: number, now: number): string {
  const seconds = (now - time) / 1000
  const unit = units.find(([, size]) => seconds >= size)
  return unit === undefined ? 'just now' : `${Math.floor(seconds / unit[1])} ${unit[0]} ago`
}
