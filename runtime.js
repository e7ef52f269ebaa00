// Preloaded before every entry: says in one line when Node is too old, lets Node load .tsx files, and makes starts quick.
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleUrls, packages } from './bundles.js'

const oldest = 24
if (Number(process.versions.node.split('.')[0]) < oldest) {
  process.stderr.write(
    `aTES needs Node ${oldest} or newer and found ${process.versions.node}. Run it through npm (npm start, npm test): ` +
      'npm ci installs a suitable Node beside it on Linux (glibc) and macOS; elsewhere install one from nodejs.org.\n',
  )
  process.exit(1)
}

// What was compiled once is not compiled again. Where nobody may write, nothing is kept.
nodeModule.enableCompileCache(join(packages, '.compiled'))

const bundles = bundleUrls()
let transform
nodeModule.registerHooks({
  resolve(specifier, context, next) {
    const url = bundles.get(specifier)
    // What is not bundled finds its own dependencies as it always does.
    if (!url || context.parentURL?.includes('/node_modules/')) return next(specifier, context)
    return { url, format: 'module', shortCircuit: true }
  },
  load(url, context, next) {
    if (!url.endsWith('.tsx')) return next(url, context)
    const path = fileURLToPath(url)
    transform ??= nodeModule.createRequire(import.meta.url)('oxc-transform').transformSync
    const { code, errors } = transform(path, readFileSync(path, 'utf8'), {
      jsx: { runtime: 'automatic', importSource: 'preact' },
      sourcemap: false,
    })
    if (errors.length > 0) throw new SyntaxError(errors.map((e) => e.message).join('\n'))
    return { format: 'module', source: code, shortCircuit: true }
  },
})
