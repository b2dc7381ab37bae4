import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { notFound } from '../../entities/kong-problem.ts'

const policy = [
  `default-src 'self'`,
  `script-src 'self'`,
  `style-src 'self' 'unsafe-inline'`,
  `img-src 'self' data: blob:`,
  `font-src 'self' data:`,
  `connect-src 'self'`,
  `object-src 'none'`,
  `base-uri 'none'`,
  `form-action 'self'`,
  `frame-ancestors 'none'`,
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

export function protectPages(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => void reply.headers(headers))
}

/** Hashed assets are cached forever; every other path outside the API serves `index.html`. */
export async function serveUi(app: FastifyInstance, directory: string): Promise<void> {
  if (!existsSync(join(directory, 'index.html'))) return
  await app.register(fastifyStatic, {
    root: directory,
    wildcard: false,
    index: false,
    cacheControl: false,
    setHeaders(reply, path) {
      const isHashed = path.startsWith(join(directory, 'assets'))
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get('/*', async (request, reply) => {
    const isApi = /^\/(api|admin)(\/|$)/.test(request.url)
    const isFile = /\.\w+$/.test(request.url.split('?', 1)[0] ?? '')
    if (isApi) return reply.callNotFound()
    if (isFile) throw notFound()
    return reply.header('cache-control', 'no-cache').sendFile('index.html')
  })
}
