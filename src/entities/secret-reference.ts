/** A vault reference: `{vault://prefix/secret}`, or `{vault://prefix/secret/key}` for one member of a JSON secret. */
export type SecretReference = {
  /** Prefix of a vault in the same workspace, or `env`. */
  readonly vault: string
  readonly secret: string
  /** The member of a secret that is a JSON object. */
  readonly key: string | undefined
}

/** Whether a text has the form of a reference, valid or not. */
export const isReference = (text: unknown): text is string =>
  typeof text === 'string' && text.startsWith('{vault://') && text.endsWith('}')

/** Parses a reference; undefined when malformed. The last of several segments is the key, as in Kong. */
export function parseReference(text: string): SecretReference | undefined {
  const [, vault, path] = /^\{vault:\/\/([a-z][a-z\d-]*)\/([\w.~%+@:/-]+)\}$/.exec(text) ?? []
  if (vault === undefined || path === undefined) return undefined
  const segments = path.split('/')
  if (segments.some((segment) => traversal.test(segment))) return undefined
  const key = segments.length > 1 ? segments.pop() : undefined
  return { vault, secret: segments.join('/'), key }
}

/** Segments that allow path traversal. URLs decode `%2e` to a dot. */
const traversal = /^(?:\.|%2e){0,2}$|%(?:2f|5c|00)/i
