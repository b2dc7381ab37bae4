let date = ''
let second = 0

/** The present moment as an HTTP date (RFC 9110 section 5.6.7), made once a second. */
export function httpDate(now = Date.now()): string {
  const current = Math.floor(now / 1000)
  if (current !== second) {
    second = current
    date = new Date(now).toUTCString()
  }
  return date
}
