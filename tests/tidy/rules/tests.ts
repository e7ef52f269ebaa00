// What a test must not do: be left out, sleep, or be moved by chance that nobody can repeat.
import {
  type CallExpression,
  isCallExpression,
  isForStatement,
  isIdentifier,
  isImportSpecifier,
  isObjectLiteralExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isThrowStatement,
  isWhileStatement,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { File } from '../project.ts'
import { type Finding, inEach, matchesAny, type Rule } from '../rule.ts'
import { around, at, nodesOf } from '../syntax.ts'

/** Measurements wait and draw as they like: nothing passes or fails by them. */
const isTestCode = (path: string): boolean =>
  matchesAny(path, ['tests/**/*.ts', '**/*.test.ts', '**/*.test-support.ts', '**/conformance.ts'])

const runners = new Set([
  'test',
  'it',
  'describe',
  'suite',
  't',
  'context',
  'before',
  'after',
  'beforeEach',
  'afterEach',
])
const ways = new Set(['skip', 'only', 'todo'])

const rootName = (node: Node): string => {
  if (isPropertyAccessExpression(node)) return rootName(node.expression)
  return isIdentifier(node) ? node.text : ''
}

/** `test.skip`, `t.todo()`. */
const byName = (node: Node): boolean =>
  isPropertyAccessExpression(node) && ways.has(node.name.text) && runners.has(rootName(node))

/** `test('...', { skip: ... })`, whatever is said of it but false. */
const byOption = (node: Node): boolean => {
  if (!isPropertyAssignment(node) && !isShorthandPropertyAssignment(node)) return false
  const call = node.parent.parent
  return (
    isIdentifier(node.name) &&
    ways.has(node.name.text) &&
    isObjectLiteralExpression(node.parent) &&
    isCallExpression(call) &&
    runners.has(rootName(call.expression)) &&
    !(isPropertyAssignment(node) && node.initializer.kind === SyntaxKind.FalseKeyword)
  )
}

const noSkippedTests: Rule = {
  name: 'no-skipped-tests',
  why: 'A test that does not run proves nothing, and looks as if it did.',
  covers: isTestCode,
  least: 30,
  find: inEach((file) =>
    nodesOf(file)
      .filter((node) => byName(node) || byOption(node))
      .map((node) => at(file, node, `leaves a test out: ${node.getText()}`)),
  ),
}

const timers = /^(?:node:)?timers(?:\/promises)?$/

/** The names under which this file knows the timers of Node. */
const sleepersIn = (file: File): Set<string> => {
  const imported = nodesOf(file)
    .filter(isImportSpecifier)
    .filter(({ parent }) => timers.test(moduleOf(parent)))
    // One turn of the event loop lets run what is ready, and waits for no time.
    .filter(({ propertyName, name }) => (propertyName ?? name).text !== 'setImmediate')
    .map(({ name }) => name.text)
  return new Set([...imported, 'setTimeout', 'setInterval'])
}

const moduleOf = (node: Node): string => {
  const declaration = node.parent.parent
  return /from\s+['"]([^'"]+)['"]/.exec(declaration.getText())?.[1] ?? ''
}

const isSleep = (node: Node, names: ReadonlySet<string>): node is CallExpression => {
  if (!isCallExpression(node)) return false
  const { expression } = node
  if (isIdentifier(expression)) return names.has(expression.text)
  return isPropertyAccessExpression(expression) && /^(?:Atomics|scheduler)\.wait$/.test(expression.getText())
}

/** Looks, sleeps and looks again, and throws when that was in vain. */
const isPolling = (node: Node): boolean => {
  const loop = around(node).find((outer) => isForStatement(outer) || isWhileStatement(outer))
  return loop !== undefined && hasThrow(loop)
}

const hasThrow = (node: Node): boolean =>
  isThrowStatement(node) || (node.forEachChild((child) => hasThrow(child) || undefined) ?? false)

const sleeps = (file: File): Finding[] => {
  const names = sleepersIn(file)
  return nodesOf(file)
    .filter((node) => isSleep(node, names))
    .filter((node) => !isPolling(node))
    .map((node) => at(file, node, `sleeps with ${node.expression.getText()}`))
}

const noSleepingTests: Rule = {
  name: 'no-sleeping-tests',
  why: 'A sleep is too long on a fast machine and too short on a slow one: settle(), an event, or a loop that looks, with an end.',
  covers: isTestCode,
  least: 30,
  find: inEach(sleeps),
  except: [
    {
      path: 'tests/faults/fault-points.ts',
      what: 'sleeps with Atomics.wait',
      why: 'It stands still until the signal that freezes the process has reached this thread.',
    },
  ],
}

const seededTests: Rule = {
  name: 'seeded-tests',
  why: 'What a test draws must come from a seed that it prints, or a failure is seen once and never again.',
  covers: isTestCode,
  least: 30,
  find: inEach((file) =>
    nodesOf(file)
      .filter((node) => isPropertyAccessExpression(node) && node.getText() === 'Math.random')
      .map((node) => at(file, node, 'draws without a seed')),
  ),
  except: [
    { path: 'tests/support/random.ts', what: 'draws without a seed', why: 'It draws the seed itself, and prints it.' },
  ],
}

export const rulesOfTests: readonly Rule[] = [noSkippedTests, noSleepingTests, seededTests]
