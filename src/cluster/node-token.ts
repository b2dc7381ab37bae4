import { createHmac, timingSafeEqual } from 'node:crypto'

/** The worker that a token identifies. */
export type NodeClaims = {
  readonly node: string
  readonly worker: number
  readonly zone: string
  readonly environment: string
}

/** Makes a token for a worker, signed with the join secret, so that the control plane stores none. */
export function makeNodeToken(claims: NodeClaims, secret: string): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${payload}.${sign(payload, secret).toString('base64url')}`
}

/** The claims of a token that was signed with this secret; undefined for any other text. */
export function readNodeToken(token: string, secret: string): NodeClaims | undefined {
  const [payload = '', signature = ''] = token.split('.')
  const given = Buffer.from(signature, 'base64url')
  const right = sign(payload, secret)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as NodeClaims
}

const sign = (payload: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(payload).digest()
