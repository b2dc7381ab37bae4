import type { Body } from './operation.ts'

/** What Kong concludes about a route: one of gRPC alone keeps its path, unless it says otherwise. */
export function expandRoute(body: Body): Body {
  const { protocols, strip_path: stripPath } = body
  const isGrpc = Array.isArray(protocols) && protocols.some((one) => /^grpcs?$/.test(String(one)))
  return isGrpc && stripPath === undefined ? { ...body, strip_path: false } : body
}
