// Who in the repository uses an entry of a contract, and which of its fields.
import { dirname, join } from 'node:path'

/** Files by their paths from the root of the repository. */
export type Sources = ReadonlyMap<string, string>

/** One part of the repository that uses an entry. */
export interface User {
  /** `web`, `accounting`, `kernel`, or the file's name where it is no part of these. */
  readonly consumer: string
  /** Where it names the entry. */
  readonly file: string
  /** The file that names a field of it; undefined when none does. */
  readonly fileNaming: (field: string) => string | undefined
}

export interface Named {
  /** The file that declares the contract, and its name there. */
  readonly file: string
  readonly name: string
  /** The entry's name in code. */
  readonly entry: string
}

const uncommented = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')

const consumerOf = (file: string): string => {
  const [folder = '', name = ''] = file.split('/')
  return folder === 'services' && name !== '' && !name.includes('.') ? name : folder
}

/** Modules that a file imports, with the names it takes from each. */
const importsOf = (file: string, text: string): { from: string; names: string }[] =>
  [...text.matchAll(/(?:import|export)\s+(?:type\s+)?([^'"()]*?)\s*from\s*'(\.[^']+)'|import\('(\.[^']+)'\)/g)].map(
    ([, names = '', from, lazily]) => ({ from: join(dirname(file), from ?? lazily ?? ''), names }),
  )

/** By what a file calls the contract; undefined when it does not import it. */
const aliasIn = (file: string, text: string, { file: declared, name }: Named): string | undefined => {
  for (const { from, names } of importsOf(file, text)) {
    const found =
      from === declared ? new RegExp(`(?:^|[{,\\s])${name}(?:\\s+as\\s+(\\w+))?(?=[\\s,}]|$)`).exec(names) : null
    if (found) return found[1] ?? name
  }
  return undefined
}

/** The files of the same part that get what these files know: those that import them, and so on. */
const readersOf = (file: string, sources: Sources): string[] => {
  const reached = new Set([file])
  for (const one of reached) {
    for (const [path, text] of sources) {
      if (consumerOf(path) === consumerOf(file) && importsOf(path, text).some(({ from }) => from === one))
        reached.add(path)
    }
  }
  return [...reached]
}

/** Everybody outside of the contract's own service who names the entry. */
export const usersOf = (named: Named, sources: Sources): User[] => {
  const own = consumerOf(named.file)
  return [...sources].flatMap(([file, text]): User[] => {
    if (consumerOf(file) === own) return []
    const alias = aliasIn(file, text, named)
    const isUsed = alias !== undefined && new RegExp(`\\b${alias}\\.${named.entry}\\b`).test(uncommented(text))
    if (!isUsed) return []
    const fileNaming = (field: string) =>
      readersOf(file, sources).find((path) => new RegExp(`\\b${field}\\b`).test(uncommented(sources.get(path) ?? '')))
    return [{ consumer: consumerOf(file), file, fileNaming }]
  })
}

/**
 * Who outside of its file names an entry of the kernel's own contract. One version of the kernel calls another one, in
 * another process, and takes what it gets as a whole: every field counts.
 */
export const kernelUsersOf = ({ file: declared, name, entry }: Named, sources: Sources): User[] =>
  [...sources].flatMap(([file, text]): User[] => {
    const imported =
      file !== declared && importsOf(file, text).some(({ from, names }) => from === declared && names.includes(name))
    if (!imported || !new RegExp(`\\b${entry}\\b`).test(uncommented(text))) return []
    return [{ consumer: consumerOf(file), file, fileNaming: () => file }]
  })
