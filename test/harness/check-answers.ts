import { Ajv2020 } from 'ajv/dist/2020.js'

type Described = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>
}
type Operation = { readonly responses: Readonly<Record<string, unknown>> }

/** A request of the Admin API, without workspace, and its answer. */
export type Answered = {
  readonly method: string
  readonly path: string
  readonly status: number
  /** Undefined when the answer has none, or none in JSON. */
  readonly body: unknown
}

/** Compares answers with an OpenAPI document: returns what differs, undefined when nothing does. */
export function openAnswerCheck(document: Described): (answered: Answered) => unknown {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...ofAnswers(document), $id: 'api' })
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    parameters: template.split('{').length,
  }))
  return ({ method, path, status, body }) => {
    const [found] = templates
      .filter(({ pattern }) => pattern.test(path))
      // A fixed segment takes precedence over a parameter.
      .toSorted((one, other) => one.parameters - other.parameters)
    const template = found?.template ?? path
    const responses = document.paths[template]?.[method.toLowerCase()]?.responses ?? {}
    const isProblem = responses[status] === undefined && status >= 400
    const name = isProblem ? 'default' : String(status)
    if (responses[name] === undefined) return [method, template, status, 'is not described']
    if (body === undefined) return undefined
    const pointer = isProblem
      ? '/components/schemas/problem'
      : `/paths/${template.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`
    const isValid = ajv.compile({ $ref: `api#${encodeURI(pointer)}` })
    return isValid(body) ? undefined : [method, template, status, isValid.errors]
  }
}

/** The document for answers: fields that are only written are not required in them. */
function ofAnswers(value: unknown): Record<string, unknown> {
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk)
    if (typeof inner !== 'object' || inner === null) return inner
    const walked = Object.fromEntries(
      Object.entries(inner).map(([name, one]) => [name, walk(one)]),
    ) as { required?: unknown; properties?: Record<string, { writeOnly?: boolean }> }
    const { required, properties } = walked
    if (!Array.isArray(required)) return walked
    const isAnswered = (name: unknown) => properties?.[String(name)]?.writeOnly !== true
    return { ...walked, required: required.filter(isAnswered) }
  }
  return walk(value) as Record<string, unknown>
}
