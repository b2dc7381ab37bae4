type Fields = readonly Readonly<Record<string, KongField>>[]

type KongField = {
  readonly type?: string
  readonly required?: boolean
  readonly between?: readonly [number, number]
  readonly len_eq?: number
  readonly len_min?: number
  readonly len_max?: number
  readonly match?: string
  readonly one_of?: readonly unknown[]
  readonly elements?: KongField
  readonly fields?: Fields
  readonly keys?: KongField
  readonly values?: KongField
}

/** Converts a schema in Kong's language, a list of fields, to JSON Schema. */
export function fromKongSchema(schema: unknown): Record<string, unknown> {
  if (!Array.isArray(schema)) throw new TypeError('expected a list of fields')
  return recordOf(schema as Fields)
}

function recordOf(fields: Fields): Record<string, unknown> {
  const named = fields.flatMap((field) => Object.entries(field))
  return {
    type: 'object',
    properties: Object.fromEntries(named.map(([name, field]) => [name, valueOf(field)])),
    required: named.filter(([, { required }]) => required === true).map(([name]) => name),
    additionalProperties: false,
  }
}

function valueOf(field: KongField): Record<string, unknown> {
  const shape = shapeOf(field)
  const { between, one_of: choice } = field
  return {
    ...shape,
    ...(between === undefined ? {} : { minimum: between[0], maximum: between[1] }),
    ...(choice === undefined ? {} : { enum: choice }),
    ...lengthOf(field, shape['type'] === 'array' ? 'Items' : 'Length'),
  }
}

function shapeOf(field: KongField): Record<string, unknown> {
  const { type } = field
  if (type === undefined) throw new TypeError('type: required field missing')
  const shape = shapes[type]
  if (shape === undefined) throw new TypeError(`type: there is no type '${type}'`)
  return shape(field)
}

const itemsOf = ({ elements }: KongField) =>
  elements === undefined ? {} : { items: valueOf(elements) }

/** Kong's type → JSON Schema. */
const shapes: Readonly<Record<string, (field: KongField) => Record<string, unknown>>> = {
  string: ({ match }) => ({ type: 'string', ...(match === undefined ? {} : { pattern: match }) }),
  number: () => ({ type: 'number' }),
  integer: () => ({ type: 'integer' }),
  boolean: () => ({ type: 'boolean' }),
  array: (field) => ({ type: 'array', ...itemsOf(field) }),
  set: (field) => ({ type: 'array', uniqueItems: true, ...itemsOf(field) }),
  record: ({ fields }) => recordOf(fields ?? []),
  map: ({ values }) => ({
    type: 'object',
    ...(values === undefined ? {} : { additionalProperties: valueOf(values) }),
  }),
}

function lengthOf(
  { len_eq: exact, len_min: min = exact, len_max: max = exact }: KongField,
  unit: 'Items' | 'Length',
): Record<string, unknown> {
  return {
    ...(min === undefined ? {} : { [`min${unit}`]: min }),
    ...(max === undefined ? {} : { [`max${unit}`]: max }),
  }
}
