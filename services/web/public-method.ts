// A method of the public API as people read of it: taken from what the services publish, not from code of theirs.

type JsonSchema = Readonly<Record<string, unknown>>

export interface PublicMethod {
  readonly service: string
  /** The name on the wire, `CompleteTask`. */
  readonly name: string
  /** In English, as the contract has it. */
  readonly summary: string
  readonly verb: string
  /** From the root of the site, `/api/v1/task-tracker/tasks/{taskId}/complete`. */
  readonly path: string
  readonly is: 'command' | 'query'
  readonly allow: readonly string[]
  readonly idempotent: boolean
  readonly refuses: readonly string[]
  readonly input: readonly SchemaRow[]
  readonly output: readonly SchemaRow[]
}

export interface PublicMethods {
  readonly methods: readonly PublicMethod[]
  /** Services that did not answer, so that their methods are missing. */
  readonly missing: readonly string[]
}

/** One value inside a JSON value: `people[].name`. */
export interface SchemaRow {
  readonly name: string
  /** What it may be: `integer 1..200`, `open | completed`. */
  readonly type: string
  readonly required: boolean
  readonly description: string
}

const asSchema = (value: unknown): JsonSchema =>
  typeof value === 'object' && value !== null ? (value as JsonSchema) : {}
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const asText = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Deeper than any contract of ours; a published one of a stranger must not keep us busy. */
const deepest = 6

/** Every value in a schema, an object's before those inside it. */
export const schemaRows = (schema: unknown, prefix = '', depth = 0): SchemaRow[] => {
  const required = new Set(asList(asSchema(schema)['required']))
  const properties = Object.entries(asSchema(asSchema(schema)['properties']))
  return properties.flatMap(([key, value]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    const is = nullable(asSchema(value))
    const items = is.schema['type'] === 'array' ? nullable(asSchema(is.schema['items'])).schema : null
    const row: SchemaRow = {
      name: items ? `${name}[]` : name,
      type: `${typeOf(items ?? is.schema)}${is.canBeNull ? ' | null' : ''}`,
      required: required.has(key),
      description: asText(asSchema(value)['description']) || asText(is.schema['description']),
    }
    return depth >= deepest ? [row] : [row, ...schemaRows(items ?? is.schema, row.name, depth + 1)]
  })
}

/** A value that may be null, apart from that. */
const nullable = (schema: JsonSchema): { schema: JsonSchema; canBeNull: boolean } => {
  const options = asList(schema['anyOf']).map(asSchema)
  const others = options.filter(({ type }) => type !== 'null')
  const [only] = others
  return only && others.length === 1 && options.length === 2
    ? { schema: only, canBeNull: true }
    : { schema, canBeNull: false }
}

const typeOf = (schema: JsonSchema): string => {
  const values = asList(schema['enum'])
  if (values.length > 0) return values.map(String).join(' | ')
  const type = asText(schema['format']) || asText(schema['type']) || 'any'
  const [from, to] = [schema['minimum'] ?? schema['minLength'], schema['maximum'] ?? schema['maxLength']]
  const isBound = (bound: unknown) => typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER
  if (!isBound(from) && !isBound(to)) return type
  return `${type} ${isBound(from) ? String(from) : ''}..${isBound(to) ? String(to) : ''}`
}
