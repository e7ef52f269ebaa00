// Puts each dependency into a bundle, once, at installation; `runtime.js` uses them, and without them everything is the
// same and starts more slowly. Runs by itself, so that it sees the packages and not their last bundles.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { bundledFolder, installedHash } from './bundles.js'

/** What the product imports is bundled; what only tests and tools import is not. */
const sources = ['*.ts', '{kernel,adapters,services}/**/*.{ts,tsx}']
const notOfTheProduct = ['**/*.test.ts', '**/*.test-support.ts']

/** What is native or one large table, and what is not needed any more when bundles are there. */
const asTheyAre = new Set(['oxc-transform', '@zxcvbn-ts/language-common', 'rolldown'])
/** Imported by what pages are turned into. */
const implied = ['preact/jsx-runtime']

const imported = /(?:\bfrom |\bimport\()'([^']+)'/g
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

const specifiers = (): string[] => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
  const found = globSync(sources, { exclude: notOfTheProduct })
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(imported)])
    .map(([, specifier = '']) => specifier)
    .filter((one) => Object.hasOwn(dependencies, packageOf(one)) && !asTheyAre.has(packageOf(one)))
  return [...new Set([...found, ...implied])].toSorted()
}

/** What Node finds in a module; of a CommonJS one, what it can tell beforehand, and the whole as its default. */
const namesOf = async (specifier: string): Promise<string[]> =>
  Object.keys((await import(specifier)) as object).filter((name) => name !== 'module.exports')

/** As a module of Node's own kind, or a CommonJS default would be something else than in Node. */
const entryOf = (specifier: string): string => `bundle:${specifier}.mjs`
const fileOf = (specifier: string): string => `${specifier.replaceAll('/', '__')}.mjs`

const bundle = async (all: readonly string[]): Promise<void> => {
  const entries = new Map<string, string>()
  for (const specifier of all)
    entries.set(entryOf(specifier), `export { ${(await namesOf(specifier)).join(', ')} } from '${specifier}'`)
  const build = await rolldown({
    input: Object.fromEntries(all.map((specifier) => [fileOf(specifier), entryOf(specifier)])),
    platform: 'node',
    // The driver looks for it, and goes on without it.
    external: ['pg-native'],
    plugins: [
      {
        name: 'entries',
        resolveId: (id) => (entries.has(id) ? id : null),
        load: (id) => entries.get(id) ?? null,
      },
    ],
  })
  await build.write({
    dir: bundledFolder,
    format: 'esm',
    entryFileNames: '[name]',
    chunkFileNames: 'shared-[hash].mjs',
  })
  await build.close()
}

rmSync(bundledFolder, { recursive: true, force: true })
mkdirSync(bundledFolder)
const all = specifiers()
await bundle(all)
const files = Object.fromEntries(all.map((specifier) => [specifier, fileOf(specifier)]))
// Last: bundles without it are not used.
writeFileSync(join(bundledFolder, 'index.json'), JSON.stringify({ installed: installedHash(), files }))
