import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Problem } from '../lib/problem.ts'

type Cost = { readonly N: number; readonly r: number; readonly p: number }

const currentCost: Cost = { N: 32_768, r: 8, p: 1 }
const hashBytes = 32

/** Characters of a password. Normalization takes time quadratic in a run of combining marks, more than a minute for 1 MiB. */
export const maxPasswordLength = 1000

/** The scrypt hash of a password with its parameters and salt: `scrypt$N$r$p$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  if (password.length > maxPasswordLength) throw tooLong()
  const salt = randomBytes(16)
  const hash = await derive(password, salt, currentCost)
  const { N, r, p } = currentCost
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Whether a password matches a stored hash. Without one, takes the same time and returns false, so that timing reveals no names. */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const [scheme, N, r, p, salt = '', hash = ''] = (stored ?? '').split('$')
  if (password.length > maxPasswordLength) return false
  if (scheme !== 'scrypt') {
    await derive(password, Buffer.alloc(16), currentCost)
    return false
  }
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const derived = await derive(password, Buffer.from(salt, 'base64url'), cost)
  const expected = Buffer.from(hash, 'base64url')
  return derived.length === expected.length && timingSafeEqual(derived, expected)
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  const maxmem = 256 * cost.N * cost.r + 1024 * 1024
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, hashBytes, { ...cost, maxmem }, (error, hash) => {
      if (error === null) resolve(hash)
      else reject(error)
    })
  })
}

const tooLong = (): Problem =>
  new Problem(
    'identity.password_length',
    400,
    `A password has at most ${maxPasswordLength} characters`,
  )
