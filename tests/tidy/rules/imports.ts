// Who may import whom, as one table: for each kind of file what it may name. What is not said is refused.
import { matchesGlob } from 'node:path'
import type { File } from '../project.ts'
import { type Finding, inEach, isProduct, isTest, matchesAny, type Rule } from '../rule.ts'
import { at, type Import, importsOf } from '../syntax.ts'

interface Kind {
  readonly name: string
  readonly why: string
  /** Product files of this kind, by path. A file is of the first kind that fits it. */
  readonly files: readonly string[]
  /**
   * Paths, `node:` modules and `npm:` packages, as globs. `own` stands for the service's folder, `type` before a glob
   * allows types only, `#name` after it allows that name only, `!` before it refuses what a later one would allow;
   * `computed` allows names that are found out when it runs.
   */
  readonly may: readonly string[]
  readonly least: number
}

/** What a handler gets to work with. No caller.ts: a remote call inside a transaction cannot be written. */
const handlersKernel = 'kernel/{failure,fold,jobs,money,page,result,savepoint,service}.ts'
const anyPackage = ['npm:*', 'npm:*/**']
const anyOfNode = ['node:*', 'node:*/*']
/** What the pages know of the kernel: what a call is, and its outcome. */
const callersKernel = 'kernel/{contract,result}.ts'

const kinds: readonly Kind[] = [
  {
    name: 'contract-imports',
    why: 'A contract is data that everybody may read, so it brings nothing along.',
    files: ['services/*/contract.ts'],
    may: ['kernel/contract.ts', 'npm:zod', 'services/vocabulary.ts', 'own/vocabulary.ts'],
    least: 3,
  },
  {
    name: 'vocabulary-imports',
    why: 'The words that contracts share rest on nothing of ours.',
    files: ['services/vocabulary.ts', 'services/*/vocabulary.ts'],
    may: ['npm:zod', 'services/vocabulary.ts'],
    least: 1,
  },
  {
    name: 'rules-imports',
    why: 'Rules are arithmetic over their arguments: whoever reads them needs no database, clock or network.',
    files: ['services/*/rules.ts', 'services/*/rules/*.ts', 'services/*/alerts/rules/*.ts'],
    may: [
      'kernel/{result,money}.ts',
      'own/rules.ts',
      'own/rules/*.ts',
      'own/alerts/rules/*.ts',
      'type own/observation.ts',
      'node:crypto#createHash',
    ],
    least: 4,
  },
  {
    name: 'store-imports',
    why: 'A store is statements and the types of their rows; it decides nothing.',
    files: ['services/*/{store,verification}.ts', 'services/*/store/*.ts', 'services/*/alerts/store.ts'],
    may: [
      'npm:kysely',
      'kernel/search.ts',
      'type kernel/{ports,service}.ts',
      'type own/rules.ts',
      'type own/rules/*.ts',
      'type own/observation.ts',
      'type own/alerts/rules/*.ts',
      'own/store.ts',
      'own/store/*.ts',
    ],
    least: 4,
  },
  {
    name: 'migrations-imports',
    why: 'A migration that was run must never change with other code.',
    files: ['services/*/migrations.ts', 'services/*/alerts/migrations.ts'],
    may: ['type kernel/migrations.ts'],
    least: 3,
  },
  {
    name: 'observation-imports',
    why: 'What was seen of the services is data, which rules judge without asking anybody.',
    files: ['services/*/observation.ts'],
    may: ['type kernel/service-state.ts'],
    least: 1,
  },
  {
    name: 'loop-imports',
    why: 'What runs beside the consumers may call others, by their contracts; a handler must not get at it.',
    files: ['services/*/{asks,loops}/*.ts', 'services/*/alerts/*.ts'],
    may: [
      'own/**',
      handlersKernel,
      'kernel/{accept-history,loop,standard}.ts',
      'kernel/contract.ts',
      'type kernel/{caller,lease,ports,service-state,stream}.ts',
      'services/*/contract.ts',
      'services/vocabulary.ts',
      'npm:zod',
    ],
    least: 0,
  },
  {
    name: 'page-imports',
    why: 'A page is HTML over what contracts say: how a call travels is not its matter.',
    files: ['services/web/pages/*'],
    may: [
      '!services/web/{service,gateway,app}.*',
      'services/*/contract.ts',
      'services/vocabulary.ts',
      callersKernel,
      'npm:{preact,zod}',
      'services/web/**',
    ],
    least: 10,
  },
  {
    name: 'gateway-imports',
    why: 'The gateway is generic: adding a method touches one service folder and no line of the gateway.',
    files: ['services/web/gateway.ts'],
    may: [
      'adapters/transport/**',
      'type kernel/{caller,contract,openapi,ports}.ts',
      'kernel/result.ts',
      'services/vocabulary.ts',
      'services/web/{session,public-method}.ts',
    ],
    least: 1,
  },
  {
    name: 'web-service-imports',
    why: 'Putting web together needs its own files, and the HTTP adapter to say how healthy the process is.',
    files: ['services/web/service.ts'],
    may: ['adapters/transport/**', 'type kernel/{host,ports}.ts', 'services/*/contract.ts', 'services/web/**'],
    least: 1,
  },
  {
    name: 'web-files-imports',
    why: 'Only these read files or start programs: the style sheet is built, assets are read at the start, runbooks are shown.',
    files: ['services/web/{assets,runbooks}.ts', 'services/web/look/build.ts'],
    may: anyOfNode,
    least: 2,
  },
  {
    name: 'browser-imports',
    why: 'What is served to browsers is loaded as one file.',
    files: ['services/web/public/*.js'],
    may: [],
    least: 1,
  },
  {
    name: 'web-imports',
    why: 'web stands beside the services and calls them through their contracts, by a caller that it was given.',
    files: ['services/web/**'],
    may: [
      'services/*/contract.ts',
      'services/vocabulary.ts',
      callersKernel,
      'type kernel/{caller,ports}.ts',
      'npm:{hono,preact,d3-scale}',
      'npm:hono/*',
      'npm:preact-render-to-string',
      'npm:zod',
      'node:crypto#createHash',
      'services/web/**',
    ],
    least: 15,
  },
  {
    name: 'service-imports',
    why: 'A service is its own files put together; of others it knows what they say in their contracts.',
    files: ['services/*/service.ts'],
    may: ['kernel/{result,service}.ts', 'type kernel/{migrations,ports}.ts', 'services/*/contract.ts', 'own/**'],
    least: 3,
  },
  {
    name: 'handler-imports',
    why: 'Handlers and consumers get transaction, time and chance; with a client they would call out while holding locks.',
    files: ['services/*/*.ts'],
    may: [
      '!own/service.ts',
      '!own/{asks,loops}/**',
      'own/**',
      handlersKernel,
      'type kernel/{contract,ports}.ts',
      'services/*/contract.ts',
      'services/vocabulary.ts',
      'type npm:zod',
    ],
    least: 10,
  },
  {
    name: 'kernel-imports',
    why: 'The kernel knows no driver: adapters decide where it runs.',
    files: ['kernel/**'],
    may: [
      '!node:{fs,http,http2,https,net,tls,dgram,dns,child_process,cluster,worker_threads,sqlite}',
      'node:*',
      'npm:{kysely,zod}',
      'npm:kysely/migration',
      'kernel/**',
    ],
    least: 15,
  },
  {
    name: 'adapter-imports',
    why: 'An adapter fits the kernel to a driver and serves every service alike.',
    files: ['adapters/**'],
    may: ['kernel/**', 'adapters/**', ...anyOfNode, ...anyPackage],
    least: 15,
  },
  {
    name: 'installer-imports',
    why: 'What runs at installation looks at packages, and needs nothing of the product.',
    files: ['bundle-dependencies.ts'],
    may: ['bundles.js', 'npm:rolldown', ...anyOfNode, 'computed'],
    least: 1,
  },
  {
    name: 'entry-imports',
    why: 'The entries put everything together: everything of the product, that is.',
    files: ['*.{ts,js}'],
    may: ['*.{ts,js}', 'kernel/**', 'adapters/**', 'services/**', ...anyOfNode, ...anyPackage],
    least: 6,
  },
]

const kindOf = (path: string): Kind | undefined => kinds.find(({ files }) => matchesAny(path, files))

type Wanted = Pick<Import, 'target' | 'names' | 'typeOnly'>

const fits = (glob: string, { target, names, typeOnly }: Wanted): boolean => {
  const [path = '', name] = glob.replace(/^type /, '').split('#')
  if (glob.startsWith('type ') && !typeOnly) return false
  if (name !== undefined && !(names.length > 0 && names.every((one) => one === name))) return false
  return target === null ? path === 'computed' : matchesGlob(target, path)
}

const allows = (may: readonly string[], wanted: Wanted): boolean => {
  const said = may.find((glob) => fits(glob.replace(/^!/, ''), wanted))
  return said !== undefined && !said.startsWith('!')
}

const described = ({ target, names, typeOnly }: Import): string =>
  `${typeOnly ? 'the type of ' : ''}${target ?? 'a computed name'}${names.length > 0 ? ` (${names.join(', ')})` : ''}`

const forbiddenImports =
  ({ may }: Kind) =>
  (file: File): Finding[] => {
    const own = file.path.split('/').slice(0, 2).join('/')
    const allowed = may.map((glob) => glob.replace(/\bown\//, `${own}/`))
    return importsOf(file)
      .filter((one) => !allows(allowed, one))
      .map((one) => at(file, one.node, `imports ${described(one)}`))
  }

const tableOfImports = kinds.map((kind): Rule => ({
  name: kind.name,
  why: kind.why,
  covers: (path) => isProduct(path) && kindOf(path) === kind,
  least: kind.least,
  find: inEach(forbiddenImports(kind)),
}))

const everyFileHasAPlace: Rule = {
  name: 'every-file-has-a-place',
  why: 'A module that is of no kind in the table above would be bound by nothing.',
  covers: isProduct,
  least: 80,
  find: inEach((file) =>
    kindOf(file.path) ? [] : [{ path: file.path, line: 1, what: 'is of no kind that may import' }],
  ),
}

const productWithoutTests: Rule = {
  name: 'product-without-tests',
  why: 'What only tests need must not be needed to run aTES.',
  covers: isProduct,
  least: 80,
  find: inEach((file) =>
    importsOf(file)
      .filter(({ target }) => target !== null && isTest(target))
      .map(({ node, target }) => at(file, node, `imports ${target}, which is for tests`)),
  ),
}

const importsAreFiles: Rule = {
  name: 'imports-are-files',
  why: 'A type that is imported from a file that is not there is caught by nobody when types are only stripped.',
  covers: (path) => /\.(?:ts|tsx|js)$/.test(path),
  least: 100,
  find: (files) => {
    const there = new Set(files.map(({ path }) => path))
    return files.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => target !== null && !/^(?:node|npm):/.test(target) && !there.has(target))
        .map(({ node, target }) => at(file, node, `imports ${target}, which is not there`)),
    )
  },
}

export const rulesOfImports: readonly Rule[] = [
  ...tableOfImports,
  everyFileHasAPlace,
  productWithoutTests,
  importsAreFiles,
]
