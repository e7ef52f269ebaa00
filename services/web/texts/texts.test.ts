// The catalogs are whole in each language and explain every refusal.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { methodsOf, standardRefusals } from '../../../kernel/contract.ts'
import { refuse } from '../../../kernel/result.ts'
import { standardContract } from '../../../kernel/standard.ts'
import { accounting } from '../../accounting/contract.ts'
import { identity } from '../../identity/contract.ts'
import { alertNames } from '../../operations/alerts/rules/catalog.ts'
import { operations } from '../../operations/contract.ts'
import { actResult } from '../../operations/vocabulary.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { en } from './en.ts'
import { catalogs, preferredLanguage } from './index.ts'
import { pluralizer } from './plural.ts'
import { refusalText } from './refusals.ts'
import { ru } from './ru.ts'

type Leaf = string | ((...values: never[]) => string)

/** All texts of a catalog by their paths. */
const leavesOf = (value: unknown, path = ''): [string, Leaf][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, path ? `${path}.${name}` : name))
    : [[path, value as Leaf]]

/** What a function of the catalog says, whatever it is given. */
const say = (leaf: Leaf): string => {
  if (typeof leaf === 'string') return leaf
  const anything = new Proxy({}, { get: (_, name) => (name === Symbol.toPrimitive ? () => 7 : 'Anna') })
  return (leaf as (...values: unknown[]) => string)(anything, 7)
}

describe('catalogs', () => {
  test('have the same texts in each language', () => {
    // What contracts say in English, the English catalog need not say again.
    const fromContracts = /^contracts\.(?:methods|fields)\./
    const shapes = Object.values(catalogs).map((texts) =>
      leavesOf(texts)
        .map(([path]) => path)
        .filter((path) => !fromContracts.test(path))
        .toSorted(),
    )
    assert.deepEqual(shapes[0], shapes[1])
    assert.ok(shapes[0]!.length > 150)
  })

  test('say something for each text, and Russian says it in Cyrillic', () => {
    // Services are called by their names in both; an alert that is not known is told as it came.
    const alerts = ['operations.alerts.sentence', 'operations.alerts.subject']
    const sameInBoth = new Set(['product', 'self', 'reassign.number', 'operations.services.web', ...alerts])
    for (const [path, leaf] of leavesOf(en)) assert.match(say(leaf), /\p{Letter}/u, path)
    for (const [path, leaf] of leavesOf(ru)) {
      if (!sameInBoth.has(path)) assert.match(say(leaf), /\p{Script=Cyrillic}/u, path)
    }
  })

  test('explain every refusal that a contract declares', () => {
    const declared = [taskTracker, accounting, identity, operations].flatMap((contract) =>
      methodsOf(contract).flatMap(({ refuses }) => Object.keys(refuses)),
    )
    for (const texts of Object.values(catalogs)) {
      for (const code of [...declared, ...Object.keys(standardRefusals)]) {
        assert.ok(Object.hasOwn(texts.refusals, code), `${texts.self} has no text for ${code}`)
      }
    }
  })

  test('explain every refusal that may end an act', () => {
    const handled = ['not_parked', 'not_discarded', 'no_effects']
    const declared = methodsOf(standardContract('accounting')).flatMap(({ refuses }) => Object.keys(refuses))
    const ending = new Set([...declared, 'parts_elsewhere'].filter((code) => !handled.includes(code)))
    assert.ok(ending.size > 5)
    for (const texts of Object.values(catalogs))
      for (const code of ending) assert.ok(Object.hasOwn(texts.refusals, code), `${texts.self} has no text for ${code}`)
  })

  test('have a text for all that may come of an act, and a name for each alert', () => {
    for (const { operations: words, self } of Object.values(catalogs)) {
      for (const what of actResult.options) assert.ok(Object.hasOwn(words.acts.results, what), `${self}: ${what}`)
      for (const name of alertNames) assert.ok(Object.hasOwn(words.alerts.names, name), `${self}: ${name}`)
    }
  })

  test('say who has a task that is not yours', () => {
    assert.match(refusalText(en, refuse('not_assignee', { assigneeName: 'Boris Ara', taskId: 5 })), /Boris Ara/)
    assert.match(refusalText(ru, refuse('not_assignee')), /не ваша/)
  })

  test('say a plain no for a refusal of a newer service', () => {
    assert.equal(refusalText(en, refuse('from_the_future')), en.problems.refused)
    assert.equal(refusalText(en, refuse('toString')), en.problems.refused)
  })
})

test('Russian counts tasks as Russians do', () => {
  const counted = pluralizer('ru')
  const forms = { one: 'задача', few: 'задачи', many: 'задач', other: 'задачи' }
  const cases: [number, string][] = [
    [0, 'задач'],
    [1, 'задача'],
    [2, 'задачи'],
    [5, 'задач'],
    [11, 'задач'],
    [21, 'задача'],
    [112, 'задач'],
    [122, 'задачи'],
  ]
  for (const [count, word] of cases) assert.equal(counted(count, forms), `${count} ${word}`)
})

test("the reader's language is the best that there is a catalog for", () => {
  const cases: [string | undefined, string][] = [
    [undefined, 'en'],
    ['', 'en'],
    ['ru', 'ru'],
    ['ru-RU,ru;q=0.9,en;q=0.8', 'ru'],
    ['de,fr;q=0.9', 'en'],
    ['de, ru;q=0.3, en;q=0.2', 'ru'],
    ['en;q=0.1,ru;q=0.9', 'ru'],
    ['ru;q=0', 'en'],
    [';;;,,q=,ru;q=zz', 'en'],
    ['__proto__,constructor', 'en'],
    ['x'.repeat(100_000), 'en'],
  ]
  for (const [header, language] of cases)
    assert.equal(preferredLanguage(header), language, header?.slice(0, 50) ?? 'none')
})
