// The contracts as they were committed: every change is shown, and one that breaks somebody is refused.
// ATES_TEST_UPDATE_CONTRACTS=1 takes a change over; what breaks somebody it does not take over either.
import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { type AnyContract, command, contract, event, query } from '../../kernel/contract.ts'
import { standardContract } from '../../kernel/standard.ts'
import { services } from '../../services.ts'
import { breaksBetween, type Users } from './contract-breaks.ts'
import { differences, type Snapshot, snapshotOf } from './contract-snapshot.ts'
import { kernelUsersOf, type Sources, usersOf } from './contract-users.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'tests/tidy/contracts')

/** What runs: no tests, no measurements. */
const sources: Sources = new Map(
  globSync(['*.ts', 'kernel/**/*.ts', 'adapters/**/*.ts', 'services/**/*.{ts,tsx}'], { cwd: root })
    .filter((path) => !/\.test\.tsx?$|\.test-support\.tsx?$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)

interface Declared {
  readonly name: string
  readonly contract: AnyContract
  readonly users: Users
}

const isContract = (value: unknown): value is AnyContract =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every(
    (entry) => typeof entry === 'object' && entry !== null && 'service' in entry && 'is' in entry,
  )

const declaredIn = async (file: string): Promise<Declared[]> => {
  const module: Record<string, unknown> = await import(join(root, file))
  return Object.entries(module).flatMap(([name, value]): Declared[] => {
    if (!isContract(value)) return []
    const users: Users = (entry) => usersOf({ file, name, entry }, sources)
    return [{ name: Object.values(value)[0]?.service ?? name, contract: value, users }]
  })
}

const kernel: Declared = {
  name: 'kernel',
  contract: standardContract('kernel'),
  users: (entry) => kernelUsersOf({ file: 'kernel/standard.ts', name: 'standardContract', entry }, sources),
}

const contracts = [
  ...(await Promise.all(globSync('services/*/contract.ts', { cwd: root }).map(declaredIn))).flat(),
  kernel,
].toSorted((a, b) => (a.name < b.name ? -1 : 1))

const fileOf = (name: string) => join(folder, `${name}.json`)
const read = (name: string): Snapshot => {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8')) as Snapshot
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}

const howTo = 'If this is what you want: ATES_TEST_UPDATE_CONTRACTS=1 npm test -- tests/tidy/contracts.test.ts'

describe('contracts', () => {
  test('are those of all services, and the one that every service has', () => {
    assert.deepEqual(
      contracts.map(({ name }) => name),
      [...Object.keys(services), 'kernel'].toSorted(),
    )
  })

  for (const { name, contract: declared, users } of contracts) {
    test(`of ${name} break nobody and are as they were committed`, () => {
      const kept = read(name)
      const current = snapshotOf(declared, kept)
      const breaks = breaksBetween(kept, current, users)
      assert.equal(breaks.length, 0, `These changes would break others:\n${breaks.join('\n')}`)
      if (process.env['ATES_TEST_UPDATE_CONTRACTS'] === '1')
        writeFileSync(fileOf(name), `${JSON.stringify(current, null, 2)}\n`)
      const changes = differences(read(name), current)
      assert.equal(changes.length, 0, `The contract of ${name} changed:\n${changes.join('\n')}\n${howTo}`)
    })
  }
})

describe('the search for users', () => {
  const used = (name: string, entry: string) => {
    const found = contracts.find((one) => one.name === name)?.users(entry) ?? []
    return found.map(({ consumer, file }) => `${consumer} ${file}`)
  }

  test('finds the consumers of events, the pages and the kernel', () => {
    assert.deepEqual(used('task-tracker', 'taskAssigned'), ['accounting services/accounting/on-task-events.ts'])
    assert.deepEqual(used('identity', 'popugRegistered').toSorted(), [
      'accounting services/accounting/on-people-events.ts',
      'task-tracker services/task-tracker/on-people-events.ts',
    ])
    assert.ok(used('identity', 'getSession').includes('web services/web/session.ts'))
    assert.ok(used('identity', 'issueFirstAdministratorLink').includes('application.ts application.ts'))
    assert.ok(used('kernel', 'readLog').some((one) => one.startsWith('kernel kernel/')))
    assert.deepEqual(used('task-tracker', 'noSuchEntry'), [])
  })

  const small: Sources = new Map([
    ['services/nests/contract.ts', 'export const nests = contract({})'],
    ['services/nests/build.ts', "import { nests } from './contract.ts'\nnests.build"],
    [
      'services/eggs/lay.ts',
      "import { nests as theirs } from '../nests/contract.ts'\nexport const lay = () => theirs.build({ twigs: 3 })",
    ],
    ['services/eggs/hatch.ts', "import { lay } from './lay.ts'\nlay().warmth"],
    ['services/eggs/other.ts', 'const feathers = 1'],
    [
      'services/eggs/comment.ts',
      "import { nests } from '../nests/contract.ts'\n// nests.build is not used here\n/* nests.build */",
    ],
    ['services/cats/hunt.ts', 'const nests = { build: 1 }\nnests.build'],
    ['services/dogs/dig.ts', "import type { nests } from '../nests/contract.ts'\ntype Twigs = typeof nests.builder"],
  ])
  const [user, ...others] = usersOf({ file: 'services/nests/contract.ts', name: 'nests', entry: 'build' }, small)

  test('goes by imports, under any name, and not by comments, namesakes or the service itself', () => {
    assert.deepEqual([user?.consumer, user?.file, others], ['eggs', 'services/eggs/lay.ts', []])
  })

  test('follows a field to those who get it from there', () => {
    assert.equal(user?.fileNaming('twigs'), 'services/eggs/lay.ts')
    assert.equal(user?.fileNaming('warmth'), 'services/eggs/hatch.ts')
    assert.equal(user?.fileNaming('feathers'), undefined)
  })
})

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
  readonly about?: string
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

  test('a new command is shown as a whole', () => {
    const build = command({ http: 'POST /nests', summary: 'Builds.', allow: [], input, output: z.object({}) })
    const more = { ...nests(), ...snapshotOf(contract('nests', { build })) }
    assert.deepEqual(breaksBetween(nests(), more, eggs), [])
    assert.ok(differences(nests(), more).includes('+ build.http: "POST /nests"'))
  })
})
