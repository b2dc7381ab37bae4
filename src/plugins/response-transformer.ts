import type { Exchange } from '../proxy/exchange.ts'
import type { HeaderList } from '../proxy/header-list.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { settings, type JsonType, type Settings } from './response-transformer/settings.ts'
import {
  compileTemplate,
  toFieldValue,
  toText,
  type Template,
} from './transformers/compile-template.ts'
import { splitPair } from './transformers/pairs.ts'
import { transformJson } from './transformers/transform-body.ts'
import { valuesOfFields } from './transformers/transform-fields.ts'
import { transformValues, type Steps } from './transformers/transform-values.ts'

export const responseTransformer = definePlugin({
  name: 'response-transformer',
  about: 'Changes headers and JSON bodies of responses.',
  settings,
  prepare(settings) {
    const fields = compileSteps(settings, 'headers')
    const members = compileSteps(settings, 'json')
    return {
      onRequest({ forward }) {
        // A compressed body could not be read.
        if (!members.isEmpty) forward?.headers.delete('accept-encoding')
      },
      onResponse(exchange) {
        const changeFields = (headers: HeaderList): void =>
          transformValues(valuesOfFields(headers), fields, ({ template }) =>
            toFieldValue(template(exchange)),
          )
        const bodyChange = (headers: HeaderList) =>
          isJson(headers)
            ? (bytes: Buffer) =>
                transformJson(bytes, members, (source) => renderMember(source, exchange))
            : undefined
        exchange.answerTransforms = [
          { headers: changeFields, ...(members.isEmpty ? {} : { body: bodyChange }) },
          ...exchange.answerTransforms,
        ]
      },
    }
  },
})

type Source = { readonly template: Template; readonly type: JsonType }

function compileSteps(settings: Settings, part: 'headers' | 'json'): Steps<Source> {
  const pairs = (step: 'replace' | 'add' | 'append'): Steps<Source>['add'] =>
    settings[step][part].flatMap((pair, at) => {
      const [name, value] = splitPair(pair)
      const type = (part === 'json' ? settings[step].json_types[at] : undefined) ?? 'string'
      // As in Kong, a value that is empty or no number does nothing.
      if (value === '' || (type === 'number' && !value.includes('$(') && !isNumber(value)))
        return []
      return [[name, { template: compileTemplate(value), type }] as const]
    })
  const { remove, rename } = settings
  const steps = {
    remove: remove[part].map((name) => splitPair(name)[0]),
    rename: rename[part].map(splitPair).filter(([, name]) => name !== ''),
    replace: pairs('replace'),
    add: pairs('add'),
    append: pairs('append'),
  }
  return { ...steps, isEmpty: Object.values(steps).every(({ length }) => length === 0) }
}

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text))

function renderMember({ template, type }: Source, exchange: Exchange): unknown {
  const text = toText(template(exchange))
  if (type === 'boolean') return text === 'true'
  return type === 'number' ? (isNumber(text) ? Number(text) : null) : text
}

/** Whether one of the media types, of which there may be several, is JSON. */
const isJson = (headers: HeaderList): boolean =>
  headers.get('content-encoding') === undefined &&
  (headers.get('content-type') ?? '')
    .split(',')
    .some((type) => /^\s*application\/(?:json|[^\s;]+\+json)\s*(?:;|$)/i.test(type))
