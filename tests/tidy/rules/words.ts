// Words and numbers that have one home: the domain's in the services, HTTP's in what speaks HTTP, settings in the config.
import {
  isBinaryExpression,
  isCallExpression,
  isIdentifier,
  isJsxText,
  isNumericLiteral,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isElementAccessExpression,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { File } from '../project.ts'
import { type Finding, inEach, isProduct, product, type Rule } from '../rule.ts'
import { at, nodesOf, stringOf, templateText, wholeValue, wordsIn } from '../syntax.ts'

const domain = new Set(
  (
    'popug popugs parrot parrots task tasks assignee assignees assignment assignments roster ' +
    'fee fees reward rewards price prices payout payouts posting postings earnings balance balances ' +
    'account accounts accounting ledger ledgers manager managers accountant accountants ' +
    'admin admins administrator administrators invitation invitations'
  ).split(' '),
)

/** What stands in a name, a string or a template. */
const spoken = (node: Node): string => {
  if (isIdentifier(node) || isJsxText(node)) return node.text
  return stringOf(node) ?? templateText(node) ?? ''
}

const kernelWithoutDomain: Rule = {
  name: 'kernel-without-domain',
  why: 'The kernel runs any set of services; a word of ours in it would be the first of many.',
  covers: product('kernel/**'),
  least: 15,
  find: inEach((file) =>
    nodesOf(file).flatMap((node) =>
      wordsIn(spoken(node))
        .filter((word) => domain.has(word))
        .map((word) => at(file, node, `says ${word}`)),
    ),
  ),
}

/** Codes that are seldom anything else. 100, 200, 400 and 500 are often sizes or durations. */
const telling = new Set([
  201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422,
  423, 425, 426, 428, 429, 431, 451, 501, 502, 503, 504,
])
const comparisons = [
  SyntaxKind.EqualsEqualsEqualsToken,
  SyntaxKind.ExclamationEqualsEqualsToken,
  SyntaxKind.LessThanToken,
  SyntaxKind.LessThanEqualsToken,
  SyntaxKind.GreaterThanToken,
  SyntaxKind.GreaterThanEqualsToken,
]

const isCalledStatus = (node: Node): boolean => {
  if (isPropertyAccessExpression(node)) return isCalledStatus(node.name)
  return wordsIn(isIdentifier(node) ? node.text : (stringOf(node) ?? '')).includes('status')
}

const isForStatus = (node: Node): boolean => {
  const value = wholeValue(node)
  const outer = value.parent
  if (isPropertyAssignment(outer) || isVariableDeclaration(outer)) return isCalledStatus(outer.name)
  if (isCallExpression(outer)) return isCalledStatus(outer.expression)
  return (
    isBinaryExpression(outer) &&
    comparisons.includes(outer.operatorToken.kind) &&
    [outer.left, outer.right].some(isCalledStatus)
  )
}

const isStatus = (node: Node): boolean => {
  if (isPropertyAssignment(node.parent) && node.parent.name === node)
    return /^[1-5]\d\d$/.test(spokenNumber(node) ?? '')
  if (!isNumericLiteral(node)) return false
  return telling.has(Number(node.text)) || (/^[1-5]\d\d$/.test(node.text) && isForStatus(node))
}

const spokenNumber = (node: Node): string | null => (isNumericLiteral(node) ? node.text : stringOf(node))

const statusCodes: Rule = {
  name: 'http-status',
  why: 'A refusal has a code of ours; which number that is on the wire is known to those who speak HTTP.',
  covers: (path) => isProduct(path) && !path.startsWith('adapters/transport/') && !path.startsWith('services/web/'),
  least: 60,
  find: inEach((file) =>
    nodesOf(file)
      .filter(isStatus)
      .map((node) => at(file, node, `says ${spokenNumber(node)}`)),
  ),
  except: [
    {
      path: 'kernel/openapi.ts',
      what: 'says 200',
      why: 'A document of OpenAPI names the answer of a method by this key; nobody compares it with anything.',
    },
  ],
}

const isProcessMember = (node: Node, name: string): boolean =>
  (isPropertyAccessExpression(node) && node.name.text === name && isProcess(node.expression)) ||
  (isElementAccessExpression(node) && stringOf(node.argumentExpression) === name && isProcess(node.expression))

const isProcess = (node: Node): boolean =>
  (isIdentifier(node) && node.text === 'process') || (isPropertyAccessExpression(node) && node.name.text === 'process')

/** `const { env } = process`, `import { env } from 'node:process'`. */
const takesProcessMember = (node: Node, name: string): boolean => {
  if (!isIdentifier(node) || node.text !== name) return false
  const declaration = node.parent?.parent?.parent
  const fromProcess =
    declaration && isVariableDeclaration(declaration) && declaration.initializer && isProcess(declaration.initializer)
  return fromProcess === true || importsProcess(node)
}

const importsProcess = (node: Node): boolean => {
  const declaration = node.parent?.parent?.parent?.parent
  return (
    declaration?.kind === SyntaxKind.ImportDeclaration && /['"](?:node:)?process['"]\s*$/.test(declaration.getText())
  )
}

const usesOfProcess =
  (name: string) =>
  (file: File): Finding[] =>
    nodesOf(file)
      .filter((node) => isProcessMember(node, name) || takesProcessMember(node, name))
      .map((node) => at(file, node, `uses process.${name}`))

const readers = new Set(['config.ts', 'main.ts', 'cli.ts'])

const environment: Rule = {
  name: 'environment',
  why: 'Settings are read once, validated and frozen by config.ts; main.ts and cli.ts only hand the environment to it.',
  covers: (path) => isProduct(path) && !readers.has(path),
  least: 80,
  find: inEach(usesOfProcess('env')),
}

const noExit: Rule = {
  name: 'no-exit',
  why: 'What was started is stopped by disposal; an exit in the middle would cut requests and leave a server behind.',
  covers: (path) => /\.(?:ts|tsx|js)$/.test(path),
  least: 100,
  find: inEach((file) => [
    ...usesOfProcess('exit')(file),
    ...usesOfProcess('abort')(file),
    ...usesOfProcess('reallyExit')(file),
  ]),
  except: [
    {
      path: 'runtime.js',
      what: 'uses process.exit',
      why: 'It runs before the entry is even read, on a Node that could not read it: nothing was started yet.',
    },
    {
      path: 'main.ts',
      what: 'uses process.exit',
      why: 'Its last statement, after a stop that was in vain for as long as it may be: what is left would never end.',
    },
    {
      path: 'tests/support/end-of-file.ts',
      what: 'uses process.exit',
      why: 'It ends a file of tests whose results are written, and which had its time to stop what it started.',
    },
  ],
}

export const rulesOfWords: readonly Rule[] = [kernelWithoutDomain, statusCodes, environment, noExit]
