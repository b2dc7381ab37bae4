import type { FastifyInstance } from 'fastify'

/**
 * Lets pages of the given origins call an API, with a token that they send themselves: `Access-Control-Allow-Credentials`
 * is never sent, so that a browser adds no cookie. Preflight requests carry no token and are answered before it is checked.
 */
export function answerCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return undefined
    void reply.header('access-control-allow-origin', origin)
    const method = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || method === undefined) return undefined
    const headers = request.headers['access-control-request-headers']
    void reply.header('access-control-allow-methods', 'GET,HEAD,POST,PUT,PATCH,DELETE')
    if (headers !== undefined) void reply.header('access-control-allow-headers', headers)
    return reply.code(204).send()
  })
}
