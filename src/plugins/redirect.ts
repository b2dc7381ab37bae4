import { z } from 'zod'
import { between } from '../entities/fields.ts'
import { definePlugin } from '../proxy/plugin.ts'

const settings = z.strictObject({
  status_code: between(100, 599).default(301).describe('Status of the response, 100 to 599.'),
  location: z
    .string()
    .refine((url) => (URL.parse(url)?.host ?? '') !== '', { error: 'missing host in url' })
    .describe('URL of the Location header.'),
  keep_incoming_path: z
    .boolean()
    .default(false)
    .describe('Replace path and query string of `location` by those of the request.'),
})

export const redirect = definePlugin({
  name: 'redirect',
  about: 'Redirects requests to another URL.',
  settings,
  prepare({ status_code: status, location, keep_incoming_path: keepsPath }) {
    return {
      onRequest({ request: { path, query } }) {
        const url = keepsPath ? withPath(location, path, query) : location
        return {
          status,
          headers: { Location: url, 'Content-Type': 'text/plain; charset=utf-8' },
          body: 'redirecting',
        }
      },
    }
  },
})

/** Setting the parts of a parsed URL keeps its host for any path. */
function withPath(location: string, path: string, query: string): string {
  const url = new URL(location)
  url.pathname = path
  url.search = query
  return url.href
}
