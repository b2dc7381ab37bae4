/** Where a secret is to be had, written in place of the secret: `{vault://prefix/secret}`, or `{vault://prefix/secret/key}` for one member of it. */
export type SecretReference = {
  /** Prefix of a vault of the same workspace, or `env`. */
  readonly vault: string
  readonly secret: string
  /** Which member of a secret that is a JSON object. */
  readonly key: string | undefined
}

/** Whether a text is meant as a reference. */
export const isReference = (text: unknown): text is string =>
  typeof text === 'string' && text.startsWith('{vault://') && text.endsWith('}')

/** The reference a text is; undefined when it is none, or malformed. The last of several segments is the key, as in Kong. */
export function parseReference(text: string): SecretReference | undefined {
  const [, vault, path] = /^\{vault:\/\/([a-z][a-z\d-]*)\/([\w.~%+@:/-]+)\}$/.exec(text) ?? []
  if (vault === undefined || path === undefined) return undefined
  const segments = path.split('/')
  if (segments.some((segment) => leaves.test(segment))) return undefined
  const key = segments.length > 1 ? segments.pop() : undefined
  return { vault, secret: segments.join('/'), key }
}

/** A segment by which a path could leave the place it begins in; URLs read `%2e` as a dot. */
const leaves = /^(?:\.|%2e){0,2}$|%(?:2f|5c|00)/i
