// Builds the style sheet of the pages once, at installation: Tailwind and daisyUI from this repository's packages, no network.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const cli = join(dirname(createRequire(import.meta.url).resolve('@tailwindcss/cli/package.json')), 'dist', 'index.mjs')
const target = join(here, '..', 'public', 'app.css')

const { status, stderr, error } = spawnSync(
  process.execPath,
  [cli, '--input', join(here, 'app.css'), '--output', target, '--minify'],
  {
    cwd: here,
    encoding: 'utf8',
  },
)
if (error) throw error
if (status !== 0) {
  process.stderr.write(stderr)
  process.exitCode = status ?? 1
}
