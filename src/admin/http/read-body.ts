import type { FastifyInstance } from 'fastify'
import { Problem } from '../../lib/problem.ts'
import { bodyLimits, readForm, tooManyFields } from './read-form.ts'

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
    async (_request: unknown, text: string) => parseUrlEncoded(text),
  )
  app.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: { headers: Record<string, string | string[] | undefined> }, body: Buffer) =>
      parseMultipart(String(request.headers['content-type']), body),
  )
}

/** Parses JSON in time linear in its size; throws a 400 for nesting beyond `bodyLimits`. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    checkJson(value, bodyLimits.depth)
    return value
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('admin.json', 400, 'Cannot parse JSON body', { cause: error })
  }
}

function checkJson(value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) {
    throw new Problem('admin.json_depth', 400, 'Cannot parse JSON body', {
      detail: { because: `A body has at most ${bodyLimits.depth} levels.` },
    })
  }
  if (Object.hasOwn(value, '__proto__')) throw new SyntaxError('__proto__ is not a name')
  for (const inner of Object.values(value)) checkJson(inner, levels - 1)
}

/** Parses a URL-encoded form. Counts its fields first, because the objects of a million fields cost more than the text. */
export function parseUrlEncoded(text: string): Record<string, unknown> {
  let at = -1
  for (let fields = 1; (at = text.indexOf('&', at + 1)) >= 0; fields += 1) {
    if (fields >= bodyLimits.fields) throw tooManyFields()
  }
  return readForm(new URLSearchParams(text))
}

/** Parses a multipart form. The parser of the platform is linear. */
export async function parseMultipart(type: string, body: Buffer): Promise<Record<string, unknown>> {
  const response = new Response(new Uint8Array(body), { headers: { 'content-type': type } })
  const form = await response.formData().catch((error: unknown) => {
    throw new Problem('admin.form', 400, 'Cannot parse form body', { cause: error })
  })
  const fields = [...form]
  if (fields.length > bodyLimits.fields) throw tooManyFields()
  // Certificates and documents are sent as files: `-F cert=@cert.pem`.
  const texts = fields.map(async ([name, value]) => {
    const text = typeof value === 'string' ? value : await value.text()
    return [name, text] as const
  })
  return readForm(await Promise.all(texts))
}
