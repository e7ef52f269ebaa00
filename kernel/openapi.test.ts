// A contract as an OpenAPI document, and read back from one: both must say the same.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { type AnyContract, command, contract, type Method, methodsOf, query } from './contract.ts'
import { describeContract, type OpenApiDocument, publishedBy, routesOf } from './openapi.ts'

const nest = contract('nests', {
  build: command({
    http: 'PUT /trees/{treeId}/nests/{place}',
    summary: 'Builds a nest.',
    allow: ['popug', 'service'],
    idempotent: true,
    input: z.object({ treeId: z.int().min(1), place: z.string().max(10), twigs: z.int(), of: z.string().optional() }),
    output: z.object({ nestId: z.int(), since: z.iso.datetime().nullable() }),
    refuses: { tree_not_found: 'absent', place_taken: 'conflict' },
  }),
  look: query({
    http: 'GET /trees/{treeId}/nests',
    summary: 'Nests of a tree.',
    allow: ['popug'],
    input: z.object({
      treeId: z.int(),
      empty: z.boolean().optional(),
      height: z.number().default(2),
      kinds: z.array(z.string()).optional(),
    }),
    output: z.object({ nests: z.array(z.object({ nestId: z.int() })) }),
  }),
  leave: command({
    http: 'POST /leave',
    summary: 'Leaves.',
    allow: ['service'],
    input: z.object({}),
    output: z.object({}),
  }),
})

/** As a reader elsewhere gets it. */
const published = (...contracts: readonly AnyContract[]): OpenApiDocument =>
  JSON.parse(JSON.stringify(describeContract('Nests', ...contracts)))

const operation = (path: string, verb: string) => {
  const found = published(nest).paths[path]?.[verb]
  assert.ok(found, `no ${verb} ${path}`)
  return found
}

describe('the document of a contract', () => {
  test('has each method at its path and verb, by its name on the wire', () => {
    const { openapi, info, paths } = published(nest)
    assert.deepEqual([openapi, info], ['3.1.0', { title: 'Nests', version: '1' }])
    const found = Object.entries(paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([verb, { operationId }]) => `${verb} ${path} ${operationId}`),
    )
    assert.deepEqual(found, [
      'put /trees/{treeId}/nests/{place} Build',
      'get /trees/{treeId}/nests Look',
      'post /leave Leave',
    ])
  })

  test('takes path parameters from the input and leaves the rest to the body', () => {
    const { parameters, requestBody } = operation('/trees/{treeId}/nests/{place}', 'put')
    assert.deepEqual(
      parameters.map((one) => [one.name, one.in, one.required, one.schema['type']]),
      [
        ['treeId', 'path', true, 'integer'],
        ['place', 'path', true, 'string'],
      ],
    )
    const { required, content } = requestBody as { required: boolean; content: Record<string, { schema: object }> }
    const { schema } = content['application/json'] as { schema: { properties: object; required: string[] } }
    assert.deepEqual([required, Object.keys(schema.properties), schema.required], [true, ['twigs', 'of'], ['twigs']])
  })

  test('takes the input of a GET from path and query, with what is optional and its defaults', () => {
    const { parameters, requestBody } = operation('/trees/{treeId}/nests', 'get')
    assert.equal(requestBody, undefined)
    assert.deepEqual(
      parameters.map((one) => [one.name, one.in, one.required, one.schema['type'], one.schema['default']]),
      [
        ['treeId', 'path', true, 'integer', undefined],
        ['empty', 'query', false, 'boolean', undefined],
        ['height', 'query', false, 'number', 2],
        ['kinds', 'query', false, 'array', undefined],
      ],
    )
  })

  test('has no body where a method needs none', () => {
    assert.equal(operation('/leave', 'post').requestBody, undefined)
  })

  test('describes the output, and problems by reference to what is in the document', () => {
    const { responses } = operation('/trees/{treeId}/nests/{place}', 'put')
    const done = responses['200'] as { content: Record<string, { schema: { properties: object } }> }
    assert.deepEqual(Object.keys(done.content['application/json']?.schema.properties ?? {}), ['nestId', 'since'])
    const problem = responses['default'] as {
      description: string
      content: Record<string, { schema: { $ref: string } }>
    }
    assert.match(problem.description, /tree_not_found, place_taken/)
    const [, ...where] = (problem.content['application/problem+json']?.schema.$ref ?? '').split('/')
    const target = where.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], published(nest))
    assert.ok(target && typeof target === 'object' && 'properties' in target)
  })

  test('says whom it is for, whether it may be repeated, and how it refuses', () => {
    assert.deepEqual(operation('/trees/{treeId}/nests/{place}', 'put')['x-ates'], {
      is: 'command',
      allow: ['popug', 'service'],
      idempotent: true,
      refuses: { tree_not_found: 'absent', place_taken: 'conflict' },
    })
    const { is, idempotent, refuses } = operation('/trees/{treeId}/nests', 'get')['x-ates']
    assert.deepEqual([is, idempotent, refuses], ['query', true, {}])
  })

  test('merges several contracts', () => {
    const other = contract('eggs', { leave: leaving('DELETE /leave'), hatch: leaving('POST /hatch') })
    assert.deepEqual(Object.keys(published(nest, other).paths['/leave'] ?? {}), ['post', 'delete'])
  })
})

const leaving = (http: Method['http']) =>
  command({ http, summary: 'Leaves.', allow: ['popug'], input: z.object({}), output: z.object({}) })

const good = { 'x-ates': { is: 'query', allow: ['popug'], idempotent: true, refuses: {} } }

const withExtension = (change: object) => ({
  paths: { '/a': { get: { operationId: 'A', 'x-ates': { ...good['x-ates'], ...change } } } },
})

const at = (path: string) => ({ paths: { [path]: { get: { ...good, operationId: 'A' } } } })

describe('the routes in a document', () => {
  test('are the methods of the contract it was made from', () => {
    const routes = routesOf('nests', published(nest))
    assert.deepEqual(
      routes.map(({ parameters: _parameters, ...route }) => route),
      methodsOf(nest).map(({ service, name, http, is, allow, idempotent, refuses }) => {
        const [verb, path] = http.split(' ')
        return { service, name, verb, path, is, allow, idempotent, refuses }
      }),
    )
  })

  test('know where each parameter stands and its type', () => {
    const [build, look] = routesOf('nests', published(nest))
    assert.deepEqual(build?.parameters, {
      treeId: { in: 'path', type: 'integer' },
      place: { in: 'path', type: 'string' },
    })
    assert.deepEqual(look?.parameters, {
      treeId: { in: 'path', type: 'integer' },
      empty: { in: 'query', type: 'boolean' },
      height: { in: 'query', type: 'number' },
      kinds: { in: 'query', type: 'array' },
    })
  })

  test('belong to the service that was asked, whatever the document says', () => {
    assert.ok(routesOf('eggs', published(nest)).every(({ service }) => service === 'eggs'))
  })

  test('take a kind of refusal that only a newer service knows for a conflict', () => {
    const [route] = routesOf('nests', withExtension({ refuses: { a: 'teapot', b: 'absent' } }))
    assert.deepEqual(route?.refuses, { a: 'conflict', b: 'absent' })
  })

  const broken = {
    nothing: null,
    'a text': 'openapi',
    'a list': [],
    'no paths': { openapi: '3.1.0' },
    'another API': { paths: { '/a': { get: { operationId: 'a', responses: {} } } } },
    'a name that is none': { paths: { '/a': { get: { operationId: 7, 'x-ates': {} } } } },
    'an unknown kind': withExtension({ is: 'both' }),
    'roles that are no list': withExtension({ allow: 'popug' }),
    'roles that are no names': withExtension({ allow: [1] }),
    'a kind of refusal that is no word': withExtension({ refuses: ['teapot'] }),
    'no word about repetition': withExtension({ idempotent: undefined }),
    'a verb that is none of ours': { paths: { '/a': { all: { ...good, operationId: 'A' } } } },
    'a path that leads to another host': at('.example.com/a'),
    'a path that leads out of the service': at('/a/../b'),
    'a path with an escape': at('/a/%2e%2e/b'),
    'a path with an empty part': at('//a'),
    'a path with a pattern': at('/:a{.*}'),
    'a path with a wildcard': at('/*'),
  }
  for (const [what, document] of Object.entries(broken)) {
    test(`are not read from ${what}`, () => assert.throws(() => routesOf('nests', document)))
  }

  test('come with the document as it was published', () => {
    const document = published(nest)
    assert.equal(publishedBy('nests', document).document, document)
    assert.equal(publishedBy('nests', document).routes.length, 3)
  })
})
