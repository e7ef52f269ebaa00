// Which changes of a contract break somebody, and which do not: a case for each that the committed contracts are checked by.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { command, contract, event, query } from '../../kernel/contract.ts'
import { breaksBetween, type Users } from './contract-breaks.ts'
import { differences, type Snapshot, snapshotOf } from './contract-snapshot.ts'

const input = z.object({ nestId: z.int().min(1).max(100), name: z.string().max(20).optional() })
const output = z.object({
  nestId: z.int(),
  state: z.enum(['new', 'old']),
  eggs: z.array(z.object({ weight: z.int(), colour: z.string() })),
})
const data = z.object({ nestId: z.int(), place: z.string(), secret: z.string() })

interface Parts {
  readonly input?: z.ZodObject
  readonly output?: z.ZodObject
  readonly data?: z.ZodObject
  readonly version?: number
  readonly about?: 'nestId' | 'place' | 'secret'
  readonly http?: `GET /${string}`
  readonly allow?: readonly string[]
}

const nests = (parts: Parts = {}): Snapshot =>
  snapshotOf(
    contract('nests', {
      look: query({ http: 'GET /nests', summary: 'Looks.', allow: ['popug'], input, output, ...parts }),
      built: event({ version: 1, summary: 'Built.', about: 'nestId', data, ...parts }),
    }),
  )

/** Eggs use everything but the secret and the colour. */
const eggs: Users = () => [
  {
    consumer: 'eggs',
    file: 'services/eggs/look.ts',
    fileNaming: (field) => (['secret', 'colour'].includes(field) ? undefined : `services/eggs/${field}.ts`),
  },
]
const nobody: Users = () => []
const without = ({ [0]: name }: readonly [string], snapshot: Snapshot): Snapshot =>
  Object.fromEntries(Object.entries(snapshot).filter(([key]) => key !== name))

describe('a change that breaks somebody is refused, and says whom:', () => {
  const cases: Readonly<Record<string, readonly [Snapshot, string]>> = {
    'an event changes and keeps its version': [
      nests({ data: data.extend({ more: z.string() }) }),
      'built: the data changed and the version is still 1; logs hold the other data',
    ],
    'an event gets a field that may be missing and keeps its version': [
      nests({ data: data.extend({ more: z.string().optional() }) }),
      'built: the data changed and the version is still 1; logs hold the other data',
    ],
    'an event is about something else': [
      nests({ about: 'place' }),
      'built: the data changed and the version is still 1; logs hold the other data',
    ],
    'the version of an event goes back': [nests({ version: 0 }), 'built: version 0 is older than 1, which is in logs'],
    'an event is gone': [without(['built'], nests()), 'built is gone, and eggs uses it (services/eggs/look.ts)'],
    'a new version of an event lacks a field': [
      nests({ version: 2, data: data.omit({ place: true }) }),
      'built: data place is gone, and eggs uses it (services/eggs/place.ts)',
    ],
    'a new version of an event may lack a field': [
      nests({ version: 2, data: data.partial({ place: true }) }),
      'built: data place may be missing, and eggs uses it (services/eggs/place.ts)',
    ],
    'a new version of an event has a field of another type': [
      nests({ version: 2, data: data.extend({ place: z.int() }) }),
      'built: data place has another type or form, and eggs uses it (services/eggs/place.ts)',
    ],
    'a method is gone': [without(['look'], nests()), 'look is gone, and eggs uses it (services/eggs/look.ts)'],
    'a field of the output is gone': [
      nests({ output: output.omit({ state: true }) }),
      'look: output state is gone, and eggs uses it (services/eggs/state.ts)',
    ],
    'a field of the output may be null': [
      nests({ output: output.extend({ nestId: z.int().nullable() }) }),
      'look: output nestId may be null, and eggs uses it (services/eggs/nestId.ts)',
    ],
    'a field of the output may be missing': [
      nests({ output: output.partial({ state: true }) }),
      'look: output state may be missing, and eggs uses it (services/eggs/state.ts)',
    ],
    'a field of the output may be what it never was': [
      nests({ output: output.extend({ state: z.enum(['new', 'old', 'lost']) }) }),
      'look: output state may be lost, and eggs uses it (services/eggs/state.ts)',
    ],
    'a field within a list of the output is gone': [
      nests({ output: output.extend({ eggs: z.array(z.object({ colour: z.string() })) }) }),
      'look: output eggs[].weight is gone, and eggs uses it (services/eggs/weight.ts)',
    ],
    'a list of the output is one no more': [
      nests({ output: output.extend({ eggs: z.object({ weight: z.int() }) }) }),
      'look: output eggs has another type or form, and eggs uses it (services/eggs/eggs.ts)',
    ],
    'a field of the input is gone': [
      nests({ input: input.omit({ name: true }) }),
      'look: input name is gone, and eggs uses it (services/eggs/name.ts)',
    ],
    'a field of the input must be given': [
      nests({ input: input.required({ name: true }) }),
      'look: input name must be given, and eggs uses it (services/eggs/look.ts)',
    ],
    'the input has a new field that must be given': [
      nests({ input: input.extend({ colour: z.string() }) }),
      'look: input colour is new and must be given, and eggs uses it (services/eggs/look.ts)',
    ],
    'a field of the input takes less': [
      nests({ input: input.extend({ name: z.string().max(10).optional() }) }),
      'look: input name maxLength is 10, was 20, and eggs uses it (services/eggs/name.ts)',
    ],
    'a field of the input takes no small numbers': [
      nests({ input: input.extend({ nestId: z.int().min(2).max(100) }) }),
      'look: input nestId minimum is 2, was 1, and eggs uses it (services/eggs/nestId.ts)',
    ],
    'a method becomes an event': [
      { ...nests(), look: nests()['built'] as NonNullable<Snapshot[string]> },
      'look is something else now, and eggs uses it (services/eggs/look.ts)',
    ],
  }
  for (const [what, [changed, said]] of Object.entries(cases)) {
    test(what, () => assert.deepEqual(breaksBetween(nests(), changed, eggs), [said]))
  }
})

describe('a change that breaks nobody is only shown:', () => {
  const cases: Readonly<Record<string, readonly [Snapshot, Users, string]>> = {
    'a new field of the output': [
      nests({ output: output.extend({ more: z.int() }) }),
      eggs,
      '+ look.output.properties.more.type: "integer"',
    ],
    'a new field of the input that need not be given': [
      nests({ input: input.extend({ more: z.int().optional() }) }),
      eggs,
      '+ look.input.properties.more.type: "integer"',
    ],
    'an input that takes more': [
      nests({ input: input.extend({ name: z.string().max(30).optional() }) }),
      eggs,
      '~ look.input.properties.name.maxLength: 20 -> 30',
    ],
    'a field of the output that nobody names is gone': [
      nests({ output: output.extend({ eggs: z.array(z.object({ weight: z.int() })) }) }),
      eggs,
      '- look.output.properties.eggs.items.properties.colour.type: "string"',
    ],
    'a new version of an event without a field that nobody names': [
      snapshotOf(
        contract('nests', {
          look: query({ http: 'GET /nests', summary: 'Looks.', allow: ['popug'], input, output }),
          built: event({ version: 2, summary: 'Built.', about: 'nestId', data: data.omit({ secret: true }) }),
        }),
        nests(),
      ),
      eggs,
      '~ built.version: 1 -> 2',
    ],
    'a method that nobody uses is gone': [without(['look'], nests()), nobody, '- look.http: "GET /nests"'],
    'another address': [nests({ http: 'GET /all-nests' }), eggs, '~ look.http: "GET /nests" -> "GET /all-nests"'],
    'another role': [nests({ allow: ['popug', 'admin'] }), eggs, '+ look.allow.1: "admin"'],
  }
  for (const [what, [changed, users, shown]] of Object.entries(cases)) {
    test(what, () => {
      assert.deepEqual(breaksBetween(nests(), changed, users), [])
      assert.ok(differences(nests(), changed).includes(shown), differences(nests(), changed).join('\n'))
    })
  }

  test('the data of an earlier version stays in the snapshot', () => {
    const later = contract('nests', { built: event({ version: 2, summary: 'Built.', about: 'nestId', data }) })
    const { built } = snapshotOf(later, nests())
    assert.deepEqual(built?.is === 'event' && Object.keys(built.data), ['1', '2'])
  })

  test('words that only explain are no change', () => {
    const explained = input.extend({ nestId: input.shape.nestId.describe('number of a nest') })
    assert.deepEqual(differences(nests(), nests({ input: explained })), [])
  })

  test('fields are fields, also when they are called as what only explains is', () => {
    const named = input.extend({ description: z.string().max(5), properties: z.int() })
    const { look } = nests({ input: named })
    const fields = look?.is === 'query' ? Object.keys(look.input['properties'] ?? {}) : []
    assert.deepEqual(fields, ['nestId', 'name', 'description', 'properties'])
  })

  test('a new command is shown as a whole', () => {
    const build = command({ http: 'POST /nests', summary: 'Builds.', allow: [], input, output: z.object({}) })
    const more = { ...nests(), ...snapshotOf(contract('nests', { build })) }
    assert.deepEqual(breaksBetween(nests(), more, eggs), [])
    assert.ok(differences(nests(), more).includes('+ build.http: "POST /nests"'))
  })
})
