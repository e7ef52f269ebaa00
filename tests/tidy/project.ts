// The files of the repository and of the rules' fixtures, modules with their syntax tree.
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import type { SourceFile } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

export interface File {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
  /** Null for what is no module. */
  readonly syntax: SourceFile | null
}

/** A case that breaks one rule: files as they would lie in the repository, and the lines that must be reported. */
export interface Fixture {
  readonly files: readonly File[]
  readonly expected: readonly string[]
}

export interface Project {
  readonly files: readonly File[]
  readonly fixtures: ReadonlyMap<string, Fixture>
}

const fixturesFolder = 'tests/tidy/fixtures/'
const expectedName = 'expected.txt'
/** Ends a fixture's name that tools would take for what it only plays. */
const disguise = /\.txt$/

/** Files that are in git, or would be after `git add`. */
const paths = (root: string): string[] =>
  execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    { cwd: root, encoding: 'utf8' },
  )
    .split('\0')
    .filter((path) => path !== '' && lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true)

const isModule = (path: string): boolean => /\.(?:ts|tsx|js)$/.test(path)

/**
 * The syntax of each module, by TypeScript's own parser. The files exist only in this call: they are given as text, and
 * nothing is resolved. Throws when one has a syntax error, for its tree would be a guess.
 */
const parse = (texts: ReadonlyMap<string, string>): Map<string, SourceFile> => {
  const modules = [...texts.keys()].filter(isModule)
  const compilerOptions = {
    noLib: true,
    noResolve: true,
    types: [],
    jsx: 'preserve',
    allowJs: true,
    moduleDetection: 'force',
  }
  const config = JSON.stringify({ compilerOptions, files: modules })
  const read = (path: string) => (path === '/tsconfig.json' ? config : texts.get(path.slice(1)))
  const api = new API({ cwd: '/', fs: { readFile: read, fileExists: (path) => read(path) !== undefined || undefined } })
  try {
    const program = api.updateSnapshot({ openProjects: ['/tsconfig.json'] }).getProject('/tsconfig.json')?.program
    const [error] = program?.getSyntacticDiagnostics() ?? []
    if (error) throw new SyntaxError(`${error.fileName}: ${error.text}`)
    return new Map(modules.map((path) => [path, present(program?.getSourceFile(`/${path}`), path)]))
  } finally {
    api.close()
  }
}

const present = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`not parsed: ${what}`)
  return value
}

const isExpected = ({ path }: File): boolean => basename(path) === expectedName

const fixtureOf = (name: string, files: readonly File[]): Fixture => ({
  files: files.filter((file) => !isExpected(file)).map((file) => ({ ...file, path: relative(name, file.path) })),
  expected: files.filter(isExpected).flatMap(({ text }) => text.split('\n').filter((line) => line !== '')),
})

const fixturesIn = (files: readonly File[]): Map<string, Fixture> => {
  const inside = files.map((file) => ({ ...file, path: relative(fixturesFolder, file.path) }))
  const byRule = Map.groupBy(inside, ({ path }) => path.split('/')[0] ?? '')
  return new Map([...byRule].map(([name, group]) => [name, fixtureOf(name, group)]))
}

const isFixture = (path: string): boolean => path.startsWith(fixturesFolder)
const plays = (path: string): string =>
  isFixture(path) && basename(path) !== expectedName ? path.replace(disguise, '') : path

/** Reads everything once. `root` is the root of the repository. */
export const readProject = (root: string): Project => {
  const texts = new Map(paths(root).map((path) => [plays(path), readFileSync(join(root, path), 'utf8')]))
  const syntax = parse(texts)
  const all = [...texts].map(([path, text]): File => ({ path, text, syntax: syntax.get(path) ?? null }))
  return {
    files: all.filter(({ path }) => !isFixture(path)),
    fixtures: fixturesIn(all.filter(({ path }) => isFixture(path))),
  }
}

/** The repository as it would be with these files in it. */
export const withFiles = (files: readonly File[], added: readonly File[]): readonly File[] => {
  const replaced = new Set(added.map(({ path }) => path))
  return [...files.filter(({ path }) => !replaced.has(path)), ...added]
}
