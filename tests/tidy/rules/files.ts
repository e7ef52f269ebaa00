// What every file looks like: its name, its first line, its length, and what is not left in it.
import {
  isArrowFunction,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPropertyDeclaration,
  isPropertyAssignment,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { File } from '../project.ts'
import { type Finding, inEach, isProduct, matchesAny, only, product, type Rule } from '../rule.ts'
import { at, importsOf, lineAt, lineOf, nodesOf } from '../syntax.ts'

const isModule = (path: string): boolean => /\.(?:ts|tsx|js)$/.test(path)
const isWritten = (path: string): boolean => isModule(path) || path.endsWith('.css')

/** A comment of at least two words on the first line. */
const purpose = /^(?:\/\/|\/\*) \S+ \S+/

const firstLine: Rule = {
  name: 'first-line',
  why: 'Whoever opens a file reads first what it is for.',
  covers: isWritten,
  least: 100,
  find: inEach(({ path, text }) =>
    purpose.test(text) ? [] : [{ path, line: 1, what: 'does not say what it is for' }],
  ),
}

/** Names that documents of projects have everywhere. */
const capitals = /^(?:README|LICENSE|CHANGELOG|CONTRIBUTING|ARCHITECTURE|SECURITY|CODEOWNERS|Containerfile)(?:\.md)?$/
const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/
const empty = /(?:^|[-.])(?:utils?|commons?|helpers?|managers?|base)(?:[-.]|$)/

const nameProblem = (part: string): string | null => {
  if (capitals.test(part)) return null
  if (!kebab.test(part)) return `${part} is not kebab-case`
  return empty.test(part) ? `${part} does not say what is inside` : null
}

const fileNames: Rule = {
  name: 'file-names',
  why: 'A file is named after the one thing inside; a name that fits everything gathers everything.',
  // A page about an alert is named as the alert.
  covers: (path) => !path.startsWith('docs/operate/runbooks/'),
  least: 150,
  find: inEach(({ path }) =>
    path.split('/').flatMap((part) => {
      const what = nameProblem(part)
      return what === null ? [] : { path, line: 1, what }
    }),
  ),
  except: [
    {
      path: 'deploy/systemd/ates@.service',
      what: 'ates@.service is not kebab-case',
      why: 'By this sign systemd knows a unit that is started once for each name.',
    },
  ],
}

const catalogs = ['services/web/texts/*']
const mostLines = 300

const fileLength: Rule = {
  name: 'file-length',
  why: 'A module past 300 lines holds two things. Catalogs of texts are one thing, however many texts there are.',
  covers: (path) => isProduct(path) && !matchesAny(path, catalogs),
  least: 80,
  find: inEach(({ path, text }) => {
    const count = text.trimEnd().split('\n').length
    return count > mostLines ? [{ path, line: mostLines + 1, what: `is longer than ${mostLines} lines` }] : []
  }),
}

const mostLinesOfFunction = 60

const isFunction = (node: Node): boolean =>
  isArrowFunction(node) || isFunctionDeclaration(node) || isFunctionExpression(node) || isMethodDeclaration(node)

const nameOf = (node: Node): string => {
  const named =
    isVariableDeclaration(node.parent) || isPropertyAssignment(node.parent) || isPropertyDeclaration(node.parent)
      ? node.parent
      : node
  const { name } = named as { name?: Node }
  return name && isIdentifier(name) ? name.text : 'a function'
}

const linesOf = (file: File, node: Node): number => lineAt(file, node.end) - lineOf(file, node) + 1

/** Each is some small functions around the state that they share, which a class would not make shorter. */
const longFunctions = [
  ['kernel/consume.ts', 'startReader', 'A reader is its position, and what it holds and misses of one stream.'],
  ['kernel/loop.ts', 'startLoop', 'A loop is whether it sleeps, stops or is in trouble.'],
  [
    'adapters/sign-in/schema.ts',
    'signInStatements',
    'The statements on one set of tables, each a function of its own.',
  ],
] as const

const functionLength: Rule = {
  name: 'function-length',
  why: 'A function past 60 lines holds two things.',
  covers: (path) => isProduct(path) && !matchesAny(path, catalogs),
  least: 80,
  find: inEach((file) =>
    nodesOf(file)
      .filter((node) => isFunction(node) && linesOf(file, node) > mostLinesOfFunction)
      .map((node) => at(file, node, `${nameOf(node)} is longer than ${mostLinesOfFunction} lines`)),
  ),
  except: longFunctions.map(([path, name, why]) => ({
    path,
    what: `${name} is longer than ${mostLinesOfFunction} lines`,
    why,
  })),
}

const noAny: Rule = {
  name: 'no-any',
  why: 'any switches the compiler off for everything it touches, and so does a comment that tells it to ignore a line.',
  covers: isModule,
  least: 100,
  find: inEach((file) => [
    ...nodesOf(file)
      .filter(({ kind }) => kind === SyntaxKind.AnyKeyword)
      .map((node) => at(file, node, 'says any')),
    ...places(file, /@ts-(?:ignore|nocheck)\b/g),
  ]),
}

const places = (file: File, pattern: RegExp): Finding[] =>
  [...file.text.matchAll(pattern)].map(({ 0: what, index }) => ({
    path: file.path,
    line: lineAt(file, index),
    what: `says ${what}`,
  }))

const noOpenEnds: Rule = {
  name: 'no-open-ends',
  why: 'What is left to do is an issue, where somebody finds it.',
  covers: (path) => isWritten(path) || path.endsWith('.md'),
  least: 100,
  find: inEach((file) => places(file, /\b(?:TO(?:DO)|FIX(?:ME)|XX(?:X)|HA(?:CK))\b/g)),
}

const mostMethods = 5

const smallPorts: Rule = {
  name: 'small-ports',
  why: 'A port of at most five methods can be decorated by a fault and implemented by a second adapter.',
  covers: only('kernel/ports.ts'),
  least: 1,
  find: inEach((file) =>
    nodesOf(file)
      .filter(isInterfaceDeclaration)
      .map((node) => ({ node, methods: node.members.filter(isMethodSignatureDeclaration).length }))
      .filter(({ methods }) => methods > mostMethods)
      .map(({ node, methods }) => at(file, node, `${node.name.text} has ${methods} methods`)),
  ),
}

/** Each file's way back to itself, if there is one; each round is told once, at its first file by name. */
const roundTrips = (files: readonly File[]): Finding[] => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const next = (file: File) =>
    importsOf(file)
      .filter(({ typeOnly }) => !typeOnly)
      .flatMap(({ target, node }) => {
        const to = byPath.get(target ?? '')
        return to ? [{ to, node }] : []
      })
  const wayBack = (start: File): { way: readonly string[]; node: Node } | null => {
    const seen = new Set<File>()
    const queue = next(start).map(({ to, node }) => ({ to, node, way: [start.path, to.path] }))
    for (const one of queue) {
      if (one.to === start) return one
      if (seen.has(one.to)) continue
      seen.add(one.to)
      queue.push(...next(one.to).map(({ to }) => ({ to, node: one.node, way: [...one.way, to.path] })))
    }
    return null
  }
  return files.flatMap((file) => {
    const found = wayBack(file)
    return found && found.way.toSorted()[0] === file.path
      ? at(file, found.node, `imports itself: ${found.way.join(' -> ')}`)
      : []
  })
}

const noCycles: Rule = {
  name: 'no-cycles',
  why: 'Two modules that need each other are one, and which of them runs first is decided by who asks. Types do not run.',
  covers: product('**'),
  least: 80,
  find: roundTrips,
}

export const rulesOfFiles: readonly Rule[] = [
  firstLine,
  fileNames,
  fileLength,
  functionLength,
  noAny,
  noOpenEnds,
  smallPorts,
  noCycles,
]
