import type { FastifyInstance, FastifyRequest } from 'fastify'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { parseJsonTask, type JsonLimits } from '../../lib/parse-json.ts'
import { Problem } from '../../lib/problem.ts'
import { readForm, tooManyFields } from './read-form.ts'
import { readMultipart } from './read-multipart.ts'
import { documentLimits, formLimits, jsonLimits, tooLarge } from './body-limits.ts'

/** Accepts the content types that Kong accepts: JSON, URL-encoded forms and multipart forms. */
export function registerBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (request: FastifyRequest, text: string) =>
      parseJson(
        text,
        request.routeOptions.bodyLimit > jsonLimits.characters ? documentLimits : jsonLimits,
      ),
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

/** Parses JSON in slices; throws a 400 for invalid JSON and beyond the limits. */
export async function parseJson(text: string, limits: JsonLimits = jsonLimits): Promise<unknown> {
  if (/^\s*$/.test(text)) return undefined
  try {
    return await runBetweenEvents(parseJsonTask(text, limits))
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('admin.json', 400, 'Cannot parse JSON body', { cause: error })
  }
}

/** Parses a URL-encoded form. Counts its fields first, because the objects of a million fields cost more than the text. */
export function parseUrlEncoded(text: string): Record<string, unknown> {
  // The parser of the platform cannot be suspended.
  if (text.length > formLimits.urlEncodedBytes) throw tooLarge(formLimits.urlEncodedBytes)
  let at = -1
  for (let fields = 1; (at = text.indexOf('&', at + 1)) >= 0; fields += 1) {
    if (fields >= formLimits.fields) throw tooManyFields()
  }
  return readForm(new URLSearchParams(text))
}

/** Parses a multipart form in slices. */
export async function parseMultipart(type: string, body: Buffer): Promise<Record<string, unknown>> {
  return readForm(await runBetweenEvents(readMultipart(type, body)))
}
