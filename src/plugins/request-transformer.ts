import { escapePath, normalizePath } from '../lib/normalize-path.ts'
import { Problem } from '../lib/problem.ts'
import type { Exchange, Forward } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { readSmallBody, replaceBody } from '../proxy/small-body.ts'
import {
  compileTemplate,
  toFieldValue,
  toText,
  type Template,
} from './transformers/compile-template.ts'
import { settings } from './request-transformer/settings.ts'
import { bodyTransformFor } from './transformers/transform-body.ts'
import { transformParameters } from './transformers/transform-parameters.ts'
import { compileSteps } from './request-transformer/compile-steps.ts'
import { valuesOfFields } from './transformers/transform-fields.ts'
import { transformValues, type Steps } from './transformers/transform-values.ts'

export const requestTransformer = definePlugin({
  name: 'request-transformer',
  about: 'Changes headers, query parameters, body, path and method of requests.',
  settings,
  prepare(settings) {
    const { http_method: method } = settings
    const uri = settings.replace.uri === null ? undefined : compileTemplate(settings.replace.uri)
    const headers = compileSteps(settings, 'headers')
    const query = compileSteps(settings, 'querystring')
    const body = compileSteps(settings, 'body')
    return {
      onRequest(exchange) {
        const { forward } = exchange
        if (forward === undefined) return undefined
        const render = (template: Template): string => toText(template(exchange))
        if (uri !== undefined) forward.path = pathOf(uri(exchange))
        if (method !== null) forward.method = method
        if (!headers.isEmpty) transformHeaders(exchange, forward, headers)
        if (!query.isEmpty) forward.query = transformParameters(forward.query, query, render)
        return body.isEmpty ? undefined : transformBody(exchange, forward, { steps: body, render })
      },
    }
  },
})

/** A rendered path cannot end the request line, begin a query, or leave its folder by dot segments. */
function pathOf(rendered: string): string {
  const text = rendered.startsWith('/') ? rendered : `/${rendered}`
  if (/\/\.\.?(?:\/|$)/.test(text.replaceAll(/%2e/gi, '.').replaceAll('\\', '/')))
    throw new Problem('request-transformer.path', 400, 'Dot segments are not allowed here')
  return escapePath(normalizePath(text)).replaceAll('?', '%3F').replaceAll('#', '%23')
}

function transformHeaders(exchange: Exchange, forward: Forward, steps: Steps): void {
  const { headers } = forward
  const isHost = (name: string): boolean => name.toLowerCase() === 'host'
  const { replace, add } = steps
  for (const [name, value] of replace)
    if (isHost(name)) forward.host = toFieldValue(value(exchange)).replaceAll(/[^\w.:[\]-]/g, '')
  transformValues(
    valuesOfFields(headers),
    {
      ...steps,
      replace: replace.filter(([name]) => !isHost(name)),
      add: add.filter(([name]) => !isHost(name)),
    },
    (template) => toFieldValue(template(exchange)),
  )
}

async function transformBody(
  { body: original }: Exchange,
  forward: Forward,
  { steps, render }: { readonly steps: Steps; readonly render: (template: Template) => string },
): Promise<void> {
  const transform = bodyTransformFor(forward.headers.get('content-type') ?? '')
  if (transform === undefined) return
  const body = forward.body ?? original
  const bytes = body.present ? await readSmallBody(body) : Buffer.alloc(0)
  if (bytes === undefined)
    throw new Problem(
      'request-transformer.too_large',
      413,
      'A body that is transformed must not exceed 64 KiB',
    )
  const transformed = transform(bytes, steps, render)
  if (transformed !== undefined) forward.body = replaceBody(body, transformed)
}
