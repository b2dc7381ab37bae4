/** Texts of about a given length that make careless parsers take time quadratic in it. */
export const hostileTexts: Readonly<Record<string, (length: number) => string>> = {
  'one letter': (length) => 'a'.repeat(length),
  'labels of one letter': (length) => `${'a.'.repeat(length / 2)}!`,
  'hyphens between letters': (length) => `${'a-'.repeat(length / 2)}!`,
  'an address with many labels': (length) => `a@${'a.'.repeat(length / 2)}!`,
  'signs before the at sign': (length) => `${'a+'.repeat(length / 2)}@`,
  'encoded letters': (length) => `/${'%41/'.repeat(length / 4)}`,
  'segments that go up': (length) => `/${'a/../'.repeat(length / 5)}`,
  'slashes only': (length) => '/'.repeat(length),
  'colons only': (length) => ':'.repeat(length),
  'dots only': (length) => '.'.repeat(length),
  'spaces only': (length) => ' '.repeat(length),
  'commas only': (length) => ','.repeat(length),
  'combining marks': (length) => `a${'\u0301\u0316'.repeat(length / 2)}`,
  'a URL with colons': (length) => `http://${':'.repeat(length)}`,
  'groups of an expression': (length) => `~/${'(a|b)'.repeat(length / 5)}`,
  'nested groups': (length) => `~/${'('.repeat(length / 2)}${')'.repeat(length / 2)}`,
  'repetitions of repetitions': (length) => `~/${'(a{1,9}){1,9}'.repeat(length / 13)}`,
  'beginnings of certificates': (length) => '-----BEGIN CERTIFICATE-----\n'.repeat(length / 28),
  'beginnings of keys': (length) => '-----BEGIN PRIVATE KEY-----\n'.repeat(length / 28),
  'base64 that ends nothing': (length) =>
    `-----BEGIN CERTIFICATE-----\n${'A'.repeat(length)}\n-----END CERTIFICATE-----`,
  'nested JSON': (length) => '['.repeat(length / 2) + ']'.repeat(length / 2),
  'a JSON Web Key with a long modulus': (length) =>
    JSON.stringify({ kid: 'k', kty: 'RSA', e: 'AQAB', n: 'z'.repeat(length) }),
}

/** CPU time of this thread in milliseconds, so that other work on the machine does not count. */
export function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/**
 * The CPU milliseconds of work of two sizes, or undefined when the work is linear or takes less than 100 ms: 16 times the
 * size may cost at most 40 times the time, where quadratic work costs 256 times.
 */
export function excessOf(
  work: (length: number) => void,
  length: number,
): { readonly small: number; readonly large: number } | undefined {
  const large = leastOf(() => work(length), 100)
  if (large < 100) return undefined
  const small = leastOf(() => work(length / 16), 0)
  return large < 40 * small ? undefined : { small, large }
}

/** The least of three runs; stops early below `enough`. */
function leastOf(work: () => void, enough: number): number {
  let least = Infinity
  for (let run = 0; run < 3 && least >= enough; run += 1) {
    const start = threadMilliseconds()
    work()
    least = Math.min(least, threadMilliseconds() - start)
  }
  return least
}
