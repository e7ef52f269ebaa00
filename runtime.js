// Preloaded before every entry: says in one line when Node is too old, and lets Node load .tsx files.
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const oldest = 24
if (Number(process.versions.node.split('.')[0]) < oldest) {
  process.stderr.write(
    `aTES needs Node ${oldest} or newer and found ${process.versions.node}. Run it through npm (npm start, npm test): ` +
      'npm ci installs a suitable Node beside it on Linux (glibc) and macOS; elsewhere install one from nodejs.org.\n',
  )
  process.exit(1)
}

let transform
nodeModule.registerHooks({
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
