// Carries out a Containerfile without a container: each stage is a directory, its steps run in it as they stand.
import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, matchesGlob } from 'node:path'

interface Step {
  readonly word: string
  /** Options such as --from, by name. */
  readonly options: Readonly<Record<string, string>>
  readonly text: string
}

const optionsOf = (text: string): Pick<Step, 'options' | 'text'> => {
  const [, said = '', rest = ''] = /^((?:--\S+\s+)*)(.*)$/s.exec(text) ?? []
  const pairs = said
    .trim()
    .split(/\s+/)
    .filter((one) => one !== '')
  return { options: Object.fromEntries(pairs.map((one) => one.slice(2).split('=') as [string, string])), text: rest }
}

/** Throws at what is none of the few instructions that are carried out here. */
export const stepsOf = (containerfile: string): Step[] =>
  containerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
      if (!known.has(word)) throw new Error(`not understood: ${line}`)
      return { word, ...optionsOf(rest) }
    })

const known = new Set('ARG FROM WORKDIR COPY RUN USER ENV VOLUME EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT'.split(' '))

/** What a build may copy: files that the last pattern that fits does not leave out. */
export const contextOf = (top: string): string[] => {
  const patterns = readFileSync(join(top, '.containerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const fits = (path: string, pattern: string): boolean =>
    matchesGlob(path, pattern) || (path.includes('/') && fits(dirname(path), pattern))
  const leftOut = (path: string): boolean =>
    patterns.findLast((pattern) => fits(path, pattern.replace(/^!/, '')))?.startsWith('!') === false
  return globSync('{*,.*,!(node_modules|.git)/**}', { cwd: top, exclude: ['node_modules/**', '.git/**'] })
    .filter((path) => statSync(join(top, path)).isFile() && !leftOut(path))
    .toSorted()
}

export interface Image {
  /** The directory that stands for `/`. */
  readonly root: string
  readonly workdir: string
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly health: readonly string[]
}

export interface Build {
  readonly top: string
  /** An empty directory for the stages. */
  readonly into: string
  readonly env: NodeJS.ProcessEnv
  /** Who stands for the numbers that files are given to; nobody when it cannot be changed. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

interface Stage extends Image {
  readonly name: string
}

const listOf = (text: string): string[] => JSON.parse(text.slice(text.indexOf('['))) as string[]

/** Builds all stages and gives the last. Throws with the output of a step that fails. */
export const build = (containerfile: string, { top, into, env, owner }: Build): Image => {
  const context = contextOf(top)
  const stages: Stage[] = []
  let stage: Stage | undefined
  const inStage = (path: string): string => join(stage?.root ?? '', path.startsWith('/') ? '' : workdir(), path)
  const workdir = (): string => stage?.workdir ?? '/'

  const copy = ({ options, text }: Step): void => {
    const sources = text.trim().split(/\s+/)
    const to = inStage(sources.pop() ?? '')
    const from = stages.find(({ name }) => name === options['from'])
    mkdirSync(to.endsWith('/') || sources.length > 1 ? to : dirname(to), { recursive: true })
    for (const source of sources) {
      if (from) cpSync(join(from.root, source), to, { recursive: true, verbatimSymlinks: true })
      else copyFromContext(source, to)
    }
    if (options['chown'] && owner) chownSync(to, owner.uid, owner.gid)
  }
  const copyFromContext = (source: string, to: string): void => {
    const found = context.filter((path) => matchesGlob(path, source) || path.startsWith(`${source}/`))
    if (found.length === 0) throw new Error(`COPY ${source} finds nothing`)
    for (const path of found) {
      const within = path.startsWith(`${source}/`) ? path.slice(source.length + 1) : basename(path)
      const target = join(to, within)
      mkdirSync(dirname(target), { recursive: true })
      cpSync(join(top, path), target)
    }
  }
  const run = ({ text }: Step): void => {
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', text], { cwd: inStage(''), env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`RUN ${text} failed:\n${stdout}\n${stderr}`)
  }
  const change = (changes: Partial<Stage>): void => {
    if (stage) stages[stages.indexOf(stage)] = stage = { ...stage, ...changes }
  }

  for (const step of stepsOf(containerfile)) {
    const { word, text } = step
    if (word === 'FROM') {
      const name = / AS (\w+)$/.exec(text)?.[1] ?? 'last'
      const root = join(into, name)
      stage = { name, root, workdir: '/', user: '', env: {}, entrypoint: [], health: [] }
      stages.push(stage)
    } else if (word === 'WORKDIR') {
      change({ workdir: text })
      mkdirSync(inStage(''), { recursive: true })
    } else if (word === 'COPY') copy(step)
    else if (word === 'RUN') run(step)
    else if (word === 'USER') change({ user: text })
    else if (word === 'ENV')
      change({ env: Object.fromEntries(text.split(/\s+/).map((one) => one.split('=') as [string, string])) })
    else if (word === 'ENTRYPOINT') change({ entrypoint: listOf(text) })
    else if (word === 'HEALTHCHECK') change({ health: listOf(text) })
  }
  if (!stage) throw new Error('there is no FROM')
  return stage
}
