// Time, chance and the outside world are arguments: who may not reach for them.
import {
  type Identifier,
  isBinaryExpression,
  isBindingElement,
  isFunctionDeclaration,
  isIdentifier,
  isImportSpecifier,
  isJsxAttribute,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isNewExpression,
  isParameterDeclaration,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isQualifiedName,
  isTypeReferenceNode,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { File } from '../project.ts'
import { type Finding, inEach, product, type Rule } from '../rule.ts'
import { at, importsOf, nodesOf, sqlOf, within } from '../syntax.ts'

/** Globals that are the clock, chance, the process or the network, whatever is done with them. */
const outside = new Set(
  (
    'process globalThis console crypto performance fetch WebSocket EventSource XMLHttpRequest ' +
    'setTimeout setInterval setImmediate queueMicrotask requestAnimationFrame'
  ).split(' '),
)
/** What a loop needs to wait and to measure how long it has waited; it says nothing about what time it is. */
const waiting = new Set(['performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'])

const declares = (node: Node): boolean =>
  isVariableDeclaration(node) ||
  isParameterDeclaration(node) ||
  isBindingElement(node) ||
  isFunctionDeclaration(node) ||
  isImportSpecifier(node)

const isMember = (node: Node): boolean =>
  isPropertyAssignment(node) ||
  isPropertySignatureDeclaration(node) ||
  isPropertyDeclaration(node) ||
  isMethodDeclaration(node) ||
  isMethodSignatureDeclaration(node) ||
  isJsxAttribute(node)

/** Names that the file declares itself. */
const declaredIn = (file: File): Set<string> =>
  new Set(
    nodesOf(file)
      .filter((node): node is Identifier => isIdentifier(node) && declares(node.parent))
      .filter((node) => (node.parent as { name?: Node }).name === node)
      .map((node) => node.text),
  )

/** Does the name stand for a value here, and not for a member or a type of that name? */
const isValue = (node: Identifier): boolean => {
  const outer = node.parent
  if (isTypeReferenceNode(outer) || isQualifiedName(outer)) return false
  const isName = (outer as { name?: Node }).name === node
  if (isPropertyAccessExpression(outer) || isMember(outer)) return !isName
  return !(isBindingElement(outer) && outer.propertyName === node)
}

const memberOf = (node: Identifier): string | null =>
  isPropertyAccessExpression(node.parent) && node.parent.expression === node ? node.parent.name.text : null

/** A date made of arguments is arithmetic; one made of nothing is the clock. */
const isPureDate = (node: Identifier): boolean => {
  const outer = node.parent
  if (isNewExpression(outer)) return (outer.arguments?.length ?? 0) > 0
  if (isBinaryExpression(outer)) return outer.operatorToken.kind === SyntaxKind.InstanceOfKeyword
  return ['UTC', 'parse', 'prototype'].includes(memberOf(node) ?? '')
}

const reach = (node: Identifier, forbidden: ReadonlySet<string>): string | null => {
  const member = memberOf(node)
  const { text } = node
  if (text === 'Date') return isPureDate(node) ? null : 'the clock (Date)'
  if (text === 'Math') return member !== null && member !== 'random' ? null : 'chance (Math.random)'
  if (text === 'Temporal') return member !== null && member !== 'Now' ? null : 'the clock (Temporal.Now)'
  return forbidden.has(text) ? text : null
}

const sourcesOfChance = /^(?:random.*|getRandomValues|webcrypto)$/

const importsChance = (file: File): Finding[] =>
  importsOf(file)
    .filter(({ target }) => target === 'node:crypto')
    .flatMap(({ node, names }) =>
      (names.length === 0 ? ['randomness and all'] : names.filter((name) => sourcesOfChance.test(name))).map((name) =>
        at(file, node, `reaches for chance (${name})`),
      ),
    )

const reaches =
  (forbidden: ReadonlySet<string>) =>
  (file: File): Finding[] => {
    const own = declaredIn(file)
    return nodesOf(file)
      .filter((node): node is Identifier => isIdentifier(node) && !own.has(node.text) && isValue(node))
      .flatMap((node) => {
        const what = reach(node, forbidden)
        return what === null ? [] : at(file, node, `reaches for ${what}`)
      })
  }

const waits = (file: File): Finding[] =>
  nodesOf(file)
    .filter(
      (node) =>
        node.kind === SyntaxKind.AsyncKeyword ||
        node.kind === SyntaxKind.AwaitExpression ||
        node.kind === SyntaxKind.AwaitKeyword ||
        (isIdentifier(node) && node.text === 'Promise'),
    )
    .map((node) => at(file, node, 'waits, and what waits has something to wait for'))

const pureRules: Rule = {
  name: 'pure-rules',
  why: 'A rule gives the same answer to the same arguments, at once: then a table of cases is its whole test.',
  covers: product('services/*/rules.ts', 'services/*/rules/*.ts', 'services/*/alerts/rules/*.ts'),
  least: 4,
  find: inEach((file) => [...waits(file), ...reaches(outside)(file)]),
}

const givenTimeAndChance: Rule = {
  name: 'given-time-and-chance',
  why: 'Handlers, statements and contracts take time and chance from their context, where a test can say what they are.',
  covers: (path) => product('services/*/*.ts')(path) && !path.startsWith('services/web/'),
  least: 20,
  find: inEach(reaches(outside)),
}

const kernelAsksPorts: Rule = {
  name: 'kernel-asks-ports',
  why: 'The kernel asks the ports for time and chance. It measures durations and waits by itself: that is not the time of day.',
  covers: product('kernel/**'),
  least: 15,
  find: inEach((file) => [...reaches(outside.difference(waiting))(file), ...importsChance(file)]),
  except: [
    {
      path: 'kernel/loop.ts',
      what: 'reaches for chance (Math.random)',
      why: 'The jitter of a backoff decides when something is tried again, never what comes of it.',
    },
    {
      path: 'kernel/lease.ts',
      what: 'reaches for crypto',
      why: 'The name of a holder only has to differ from those of other replicas; nothing is decided by it.',
    },
  ],
}

const clockInSql =
  /\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|random|gen_random_uuid)\s*\(|\b(?:current_(?:timestamp|date|time)|localtime(?:stamp)?)\b/gi

const statementsTakeTime: Rule = {
  name: 'statements-take-time',
  why: "Business time is the transaction's `now`, given by the Clock port; a statement that asked again would know another.",
  covers: product('services/*/*.ts', 'kernel/**'),
  least: 20,
  find: inEach((file) =>
    sqlOf(file).flatMap((statement) =>
      [...statement.sql.matchAll(clockInSql)].map(({ 0: found, index }) =>
        within(file, statement, index, `asks the server: ${found.replace(/\s*\($/, '()')}`),
      ),
    ),
  ),
  except: [
    {
      path: 'kernel/lease.ts',
      what: 'asks the server: clock_timestamp()',
      why: 'A lease ends by the one clock that all replicas share, and says nothing about business time.',
    },
  ],
}

export const rulesOfPurity: readonly Rule[] = [pureRules, givenTimeAndChance, kernelAsksPorts, statementsTakeTime]
