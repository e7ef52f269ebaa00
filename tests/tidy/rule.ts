// What a rule of the architecture is: a name, a reason, the files it looks at, and how to find what breaks it.
import { matchesGlob } from 'node:path'
import type { File } from './project.ts'

/** Where a rule is broken, and how. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly what: string
}

export interface Rule {
  /** The name of its folder in fixtures, too. */
  readonly name: string
  readonly why: string
  /** Whether it looks at this file. */
  readonly covers: (path: string) => boolean
  /** It looks at no fewer files of the repository than this; a rule that does has gone blind. */
  readonly least: number
  /** What breaks it in the files that it covers. */
  readonly find: (files: readonly File[]) => readonly Finding[]
  /** What is let pass on purpose. */
  readonly except?: readonly Exception[]
}

/** One finding that is meant to be: at any line of the file, for it moves. */
export interface Exception {
  readonly path: string
  readonly what: string
  readonly why: string
}

export interface Examined {
  readonly covered: readonly File[]
  readonly found: readonly Finding[]
  /** Exceptions of which nothing was found: they would hide the next one. */
  readonly idle: readonly Exception[]
}

export const examine = (rule: Rule, files: readonly File[]): Examined => {
  const covered = files.filter(({ path }) => rule.covers(path))
  const all = inOrder(rule.find(covered))
  const exceptions = rule.except ?? []
  const lets = ({ path, what }: Exception, one: Finding) => path === one.path && what === one.what
  return {
    covered,
    found: all.filter((one) => !exceptions.some((exception) => lets(exception, one))),
    idle: exceptions.filter((exception) => !all.some((one) => lets(exception, one))),
  }
}

/** By file, line and text, each once. */
const inOrder = (findings: readonly Finding[]): Finding[] => {
  const byText = new Map(findings.map((one) => [`${one.path} ${String(one.line).padStart(6)} ${one.what}`, one]))
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

export const inEach =
  (check: (file: File) => readonly Finding[]) =>
  (files: readonly File[]): readonly Finding[] =>
    files.flatMap(check)

export const matchesAny = (path: string, globs: readonly string[]): boolean =>
  globs.some((glob) => matchesGlob(path, glob))

export const only =
  (...globs: readonly string[]) =>
  (path: string): boolean =>
    matchesAny(path, globs)

const tests = [
  'tests/**',
  'bench/**',
  'demo/**',
  'docs/**',
  '**/*.test.ts',
  '**/*.test-support.ts',
  '**/conformance.ts',
]

/** Tests, what only tests use, measurements, the demo, and what writes documents: nothing that aTES needs to run. */
export const isTest = (path: string): boolean => matchesAny(path, tests)

/** What runs when aTES runs: modules, and the preload that comes before them. */
export const isProduct = (path: string): boolean => /\.(?:ts|tsx|js)$/.test(path) && !isTest(path)

/** Modules of the product that match. */
export const product =
  (...globs: readonly string[]) =>
  (path: string): boolean =>
    isProduct(path) && matchesAny(path, globs)
