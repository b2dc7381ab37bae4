import type { Body } from './operation.ts'

/** What Kong concludes about an upstream: an input to hash means consistent-hashing, and least-connections means no input. */
export function expandAlgorithm(body: Body): Body {
  const { hash_on: hashOn, algorithm } = body
  if (typeof hashOn === 'string' && hashOn !== 'none')
    return { ...body, algorithm: 'consistent-hashing' }
  if (hashOn === 'none' && algorithm === undefined) return { ...body, algorithm: 'round-robin' }
  return algorithm === 'least-connections' ? { ...body, hash_on: 'none' } : body
}
