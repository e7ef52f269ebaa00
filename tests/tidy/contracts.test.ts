// The contracts as they were committed: every change is shown, and one that breaks somebody is refused.
// ATES_TEST_UPDATE_CONTRACTS=1 takes a change over; what breaks somebody it does not take over either.
import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { AnyContract } from '../../kernel/contract.ts'
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
      'operations services/operations/on-people-events.ts',
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
