// Requests drawn at random for every operation of an OpenAPI document: most of them right, some wrong in one place, some
// not what the document says at all.
import fc from 'fast-check'
import type { OpenApiDocument } from '../../kernel/openapi.ts'
import { foreignMarks, isMark, type Schema } from './values.ts'

export interface RandomRequest {
  readonly service: string
  /** The operation at this verb and path; empty where there is none. */
  readonly method: string
  readonly verb: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Undefined where nothing is sent, or what is no such object. */
  readonly json?: Readonly<Record<string, unknown>>
  readonly raw?: string
  /** By the names in the path. */
  readonly named: Readonly<Record<string, unknown>>
}

interface Field {
  readonly name: string
  readonly in: 'path' | 'query' | 'body'
  readonly required: boolean
  readonly schema: JsonSchema
}

interface JsonSchema extends Schema {
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
}

interface Operation {
  readonly service: string
  readonly method: string
  readonly verb: string
  readonly path: string
  readonly fields: readonly Field[]
}

interface Body {
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>
}

const fieldsOf = (body: unknown): Field[] => {
  const { properties = {}, required = [] } = (body as Body | undefined)?.content['application/json']?.schema ?? {}
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    schema,
    in: 'body',
    required: required.includes(name),
  }))
}

const isInHeaders = (place: string): boolean => place === 'header'

export const operationsIn = ({ paths }: OpenApiDocument): Operation[] =>
  Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, { operationId: method, tags, parameters, requestBody }]) => ({
      service: tags[0] ?? '',
      method,
      verb: verb.toUpperCase(),
      path,
      fields: [...parameters.filter((one) => !isInHeaders(one.in)), ...fieldsOf(requestBody)],
    })),
  )

/** Every 16-bit unit, so also halves of characters. */
const unit = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) },
)

/** Small numbers more often than not: they name what there is. */
const integers = ({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: JsonSchema): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 40) }) },
    { weight: 1, arbitrary: fc.integer({ min: minimum, max: maximum }) },
  )

/** Words that a service knows, where texts of their form are asked for. */
const places: Readonly<Record<string, readonly string[]>> = {
  service: ['identity', 'task-tracker', 'accounting', 'operations', 'nowhere'],
  stream: ['identity', 'task-tracker', 'nowhere'],
  consumer: ['ledger', 'holders', 'roster', 'names', 'nobody'],
}

const texts = (name: string, schema: JsonSchema): fc.Arbitrary<string> => {
  const { pattern, format, minLength = 0, maxLength = 200 } = schema
  const known = places[name]
  if (known) return fc.constantFrom(...known)
  if (isMark(schema)) return fc.constantFrom(...foreignMarks)
  if (format === 'email') return fc.nat().map((number) => `somebody-${number}@example.com`)
  if (pattern) return fc.stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, 30) })
  return fc.string({ unit, minLength, maxLength: Math.min(maxLength, 40) })
}

const rightValue = (name: string, schema: JsonSchema): fc.Arbitrary<unknown> => {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.type === 'integer' || schema.type === 'number') return integers(schema)
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'array') return fc.array(rightValue(name, schema.items ?? {}), { minLength: 1, maxLength: 8 })
  return texts(name, schema)
}

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, '', 0, -1, 1.5, 1e300, 2 ** 31, [], {}, [[]], '__proto__', 'a\0b', '\ud800'),
  fc.string({ unit, maxLength: 300 }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 2 }),
)

const valueOf = ({ name, schema }: Field): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 24, arbitrary: rightValue(name, schema) }, { weight: 1, arbitrary: oddValue })

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
const escaped = (value: unknown): string => encodeURIComponent(asText(value).toWellFormed())

/** Fields that may be left out are, now and then. */
const inputOf = (fields: readonly Field[]): fc.Arbitrary<Readonly<Record<string, unknown>>> => {
  const values = Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]))
  const requiredKeys = fields.filter((field) => field.required).map(({ name }) => name)
  return fc.record(values, { requiredKeys })
}

const oddBody = fc.oneof(
  fc.constantFrom('', '{', 'null', '[]', '"x"', '{"a":1}{', '[{}]', '\0'),
  fc.json({ maxDepth: 3 }),
  fc.string({ unit, maxLength: 100 }),
)

const oddHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  fc.constant({ 'content-type': 'text/plain' }),
  fc.constant({ 'x-deadline-ms': '1' }),
  fc.constant({ 'idempotency-key': 'x'.repeat(300) }),
  fc.constant({ 'sec-fetch-site': 'cross-site' }),
  fc.constant({ origin: 'https://evil.example' }),
  fc.constant({ authorization: 'Bearer a.b.c' }),
  fc.constant({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
)

type Oddness = 'none' | 'body' | 'headers' | 'verb' | 'path'
const oddness: fc.Arbitrary<Oddness> = fc.oneof(
  { weight: 90, arbitrary: fc.constant<Oddness>('none') },
  { weight: 10, arbitrary: fc.constantFrom<Oddness>('body', 'headers', 'verb', 'path') },
)

const requestFor = (operation: Operation, all: readonly Operation[]): fc.Arbitrary<RandomRequest> => {
  const { service, fields } = operation
  const drawn = fc.record({
    input: inputOf(fields),
    odd: oddness,
    body: oddBody,
    headers: oddHeaders,
    verb: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
    segment: oddValue,
  })
  return drawn.map(({ input, odd, ...other }) => {
    const inPlace = (place: Field['in']) =>
      Object.entries(input).filter(([name]) => fields.some((field) => field.name === name && field.in === place))
    const address = operation.path.replaceAll(/\{(\w+)\}/g, (_part, name: string) => escaped(input[name]))
    const query = inPlace('query').map(([name, value]) => `${name}=${escaped(value)}`)
    const verb = odd === 'verb' ? other.verb : operation.verb
    const path = odd === 'path' ? `${address}/x${escaped(other.segment)}` : address
    const found = all.find((one) => one.path === operation.path && one.verb === verb)
    const body = odd === 'body' ? { raw: other.body } : { json: Object.fromEntries(inPlace('body')) }
    return {
      service,
      method: odd === 'path' ? '' : (found?.method ?? ''),
      verb,
      path: query.length > 0 ? `${path}?${query.join('&')}` : path,
      headers: odd === 'headers' ? other.headers : {},
      ...(verb === 'GET' ? {} : body),
      named: Object.fromEntries(inPlace('path')),
    }
  })
}

/** As many requests, the same for the same seed, evenly for all operations of the document. */
export const randomRequests = (document: OpenApiDocument, count: number, seed: number): RandomRequest[] => {
  const all = operationsIn(document)
  return fc.sample(fc.oneof(...all.map((operation) => requestFor(operation, all))), { numRuns: count, seed })
}
