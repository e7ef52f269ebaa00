// A contract as an OpenAPI document, and the routes in such a document: what a service publishes of itself.
import { z } from 'zod'
import { type AnyContract, type Method, methodsOf, type RefusalKind, refusalKinds, type Verb } from './contract.ts'

type JsonSchema = Readonly<Record<string, unknown>>

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: JsonSchema
  readonly description?: string
}

/** One method in a document. What OpenAPI has no word for is in `x-ates`. */
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, unknown>>
  readonly 'x-ates': Extension
}

const Extension = z.object({
  is: z.enum(['command', 'query']),
  allow: z.array(z.string()),
  idempotent: z.boolean(),
  // A newer service may have a kind that this version does not know.
  refuses: z.record(z.string(), z.enum(refusalKinds).catch('conflict')),
})
type Extension = z.infer<typeof Extension>

export interface OpenApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: JsonSchema
}

/** A way to one method: what a transport and the gateway need to know of it. */
export interface Route {
  readonly service: string
  readonly name: string
  readonly verb: Verb
  /** `/tasks/{taskId}/complete` */
  readonly path: string
  readonly is: 'command' | 'query'
  readonly allow: readonly string[]
  readonly idempotent: boolean
  readonly refuses: Readonly<Record<string, RefusalKind>>
  /** Parameters of path and query with the JSON type of each. */
  readonly parameters: Readonly<Record<string, { readonly in: 'path' | 'query'; readonly type: string }>>
}

const verbAndPath = (method: Method): [Verb, string] => {
  const [verb, path] = method.http.split(' ')
  return [verb as Verb, path ?? '/']
}

const schemaOf = (schema: z.core.$ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >
  return json
}

const propertiesOf = (schema: JsonSchema): Readonly<Record<string, JsonSchema>> =>
  (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>

const requiredIn = (schema: JsonSchema): readonly string[] => (schema['required'] ?? []) as readonly string[]

const parametersOf = (input: JsonSchema, path: string, inQuery: boolean): Parameter[] =>
  Object.entries(propertiesOf(input)).flatMap(([name, schema]): Parameter[] => {
    const inPath = path.includes(`{${name}}`)
    if (!inPath && !inQuery) return []
    return [{ name, in: inPath ? 'path' : 'query', required: inPath || requiredIn(input).includes(name), schema }]
  })

const bodyOf = (input: JsonSchema, path: string) => {
  const properties = Object.entries(propertiesOf(input)).filter(([name]) => !path.includes(`{${name}}`))
  if (properties.length === 0) return undefined
  const required = requiredIn(input).filter((name) => !path.includes(`{${name}}`))
  const schema = { type: 'object', properties: Object.fromEntries(properties), required }
  return { required: required.length > 0, content: { 'application/json': { schema } } }
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})

const operationOf = (method: Method): Operation => {
  const [verb, path] = verbAndPath(method)
  const input = schemaOf(method.input, 'input')
  const requestBody = verb === 'GET' ? undefined : bodyOf(input, path)
  const refusals = Object.keys(method.refuses)
  return {
    operationId: method.name,
    summary: method.summary,
    tags: [method.service],
    parameters: parametersOf(input, path, verb === 'GET'),
    ...(requestBody ? { requestBody } : {}),
    responses: {
      '200': { description: 'Done', content: { 'application/json': { schema: schemaOf(method.output, 'output') } } },
      default: problem(refusals.length > 0 ? `A refusal: ${refusals.join(', ')}` : 'A refusal or a fault'),
    },
    'x-ates': {
      is: method.is,
      allow: [...method.allow],
      idempotent: method.idempotent,
      refuses: { ...method.refuses },
    },
  }
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details; `code` is the refusal.',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    requestId: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'code'],
}

/** The document of one contract, or of several merged. */
export const describeContract = (title: string, ...contracts: readonly AnyContract[]): OpenApiDocument => {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const method of contracts.flatMap(methodsOf)) {
    const [verb, path] = verbAndPath(method)
    paths[path] = { ...paths[path], [verb.toLowerCase()]: operationOf(method) }
  }
  return { openapi: '3.1.0', info: { title, version: '1' }, paths, components: { schemas: { Problem: problemSchema } } }
}

const PublishedOperation = z.object({
  operationId: z.string().max(100),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(['path', 'query']), schema: z.record(z.string(), z.unknown()) }))
    .default([]),
  'x-ates': Extension,
})
/** Segments of plain words and parameters: nothing that could lead to another address. */
const plainPath = z.string().regex(/^(?:\/(?:[\w-]+|\{\w+\}))+$/)
const plainVerb = z.enum(['get', 'post', 'put', 'patch', 'delete'])
const PublishedDocument = z.object({ paths: z.record(plainPath, z.partialRecord(plainVerb, PublishedOperation)) })

const typeOf = (schema: JsonSchema): string => (typeof schema['type'] === 'string' ? schema['type'] : 'string')

/** The routes that a service's document publishes. Throws when it is not a document of ours. */
export const routesOf = (service: string, document: unknown): Route[] => {
  const { paths } = z.parse(PublishedDocument, document)
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, { operationId, parameters, 'x-ates': extension }]): Route => ({
      service,
      name: operationId,
      verb: verb.toUpperCase() as Verb,
      path,
      ...extension,
      parameters: Object.fromEntries(parameters.map((one) => [one.name, { in: one.in, type: typeOf(one.schema) }])),
    })),
  )
}

/** What a service publishes, with the routes in it. */
export interface Published {
  readonly document: OpenApiDocument
  readonly routes: readonly Route[]
}

/** Throws when it is not a document of ours. */
export const publishedBy = (service: string, document: unknown): Published => ({
  document: document as OpenApiDocument,
  routes: routesOf(service, document),
})
