// What dependencies are bundled into at installation: the same as the packages, and used only for what is installed.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { bundledFolder, bundleUrls, packages } from '../../bundles.js'

const top = join(import.meta.dirname, '../..')

/** What a program says that runs in this folder. */
const saidBy = async (folder: string, program: string, preload: readonly string[]): Promise<string> => {
  const args = [...preload, '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  return stdout
}

const withRuntime = ['--import', './runtime.js']

/** For each of these imports, the names that it offers and of what type each is. */
const shapes = (specifiers: readonly string[]): string => `
  const shapes = {}
  for (const specifier of ${JSON.stringify(specifiers)}) {
    const module = await import(specifier)
    const names = Object.keys(module).filter((name) => name !== 'module.exports').toSorted()
    shapes[specifier] = names.map((name) => name + ' ' + typeof module[name])
  }
  process.stdout.write(JSON.stringify(shapes))`

const imported = `process.stdout.write(import.meta.resolve('zod'))`

/** Our preload beside the same packages; what npm says that it installed is `installed`. */
const elsewhere = async (installed: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-bundles-'))
  for (const file of ['runtime.js', 'bundles.js', 'package.json']) await cp(join(top, file), join(folder, file))
  await cp(bundledFolder, join(folder, 'node_modules/.bundled'), { recursive: true })
  for (const name of await readdir(packages))
    if (!name.startsWith('.')) await symlink(join(packages, name), join(folder, 'node_modules', name))
  await writeFile(join(folder, 'node_modules/.package-lock.json'), installed)
  return folder
}

describe('bundles', () => {
  test('offer what the packages offer', async () => {
    const specifiers = [...bundleUrls().keys()]
    assert.ok(specifiers.length > 20, `${specifiers.length} dependencies are bundled`)
    const [bundled, plain] = await Promise.all([
      saidBy(top, shapes(specifiers), withRuntime),
      saidBy(top, shapes(specifiers), []),
    ])
    assert.deepEqual(JSON.parse(bundled), JSON.parse(plain))
  })

  test('are used for what is installed', async () => {
    assert.equal(await saidBy(top, imported, withRuntime), bundleUrls().get('zod'))
  })

  test('of another installation are not used, and everything is found as without them', async () => {
    const folder = await elsewhere('{"packages":{}}')
    try {
      assert.match(await saidBy(folder, imported, withRuntime), /\/node_modules\/zod\/(?!.*\.bundled)/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
