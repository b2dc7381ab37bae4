import type { FastifyInstance } from 'fastify'
import { Problem } from '../../lib/problem.ts'
import { readForm } from './read-form.ts'

const maxDepth = 64

/** Accepts the content types that Kong accepts: JSON, URL-encoded forms and multipart forms. */
export function registerBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: unknown, text: string) => parseJson(text),
  )
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: unknown, text: string) => readForm(new URLSearchParams(text)),
  )
  app.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: { headers: Record<string, string | string[] | undefined> }, body: Buffer) =>
      parseMultipart(String(request.headers['content-type']), body),
  )
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(text, (key, inner: unknown) => {
      if (key === '__proto__') throw new SyntaxError('__proto__ is not a name')
      return inner
    })
    if (isDeeper(value, maxDepth)) throw new SyntaxError('nested too deeply')
    return value
  } catch (error) {
    throw new Problem('admin.json', 400, 'Cannot parse JSON body', { cause: error })
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

async function parseMultipart(type: string, body: Buffer): Promise<Record<string, unknown>> {
  const response = new Response(new Uint8Array(body), { headers: { 'content-type': type } })
  const form = await response.formData().catch((error: unknown) => {
    throw new Problem('admin.form', 400, 'Cannot parse form body', { cause: error })
  })
  // Certificates and documents are sent as files: `-F cert=@cert.pem`.
  const texts = [...form].map(async ([name, value]) => {
    const text = typeof value === 'string' ? value : await value.text()
    return [name, text] as const
  })
  return readForm(await Promise.all(texts))
}
