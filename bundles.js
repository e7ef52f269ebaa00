// Dependencies as few files instead of a thousand, which are most of what a start would take: where they lie, and for what
// installation they were made. Plain JavaScript, for `runtime.js` reads it before Node can be trusted with more.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const packages = join(dirname(fileURLToPath(import.meta.url)), 'node_modules')

/** Made by `bundle-dependencies.ts`. */
export const bundledFolder = join(packages, '.bundled')

/** Tells one installation from another: bundles of other versions are not used. Throws where npm has installed nothing. */
export const installedHash = () =>
  createHash('sha256')
    .update(readFileSync(join(packages, '.package-lock.json')))
    .digest('base64url')

/**
 * The address of each bundle by what is imported; none when there are none for what is installed.
 * @returns {ReadonlyMap<string, string>}
 */
export const bundleUrls = () => {
  try {
    const { installed, files } = JSON.parse(readFileSync(join(bundledFolder, 'index.json'), 'utf8'))
    if (installed !== installedHash()) return new Map()
    return new Map(Object.entries(files).map(([name, file]) => [name, pathToFileURL(join(bundledFolder, file)).href]))
  } catch {
    return new Map()
  }
}
