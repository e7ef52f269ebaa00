// Files that browsers keep for ever: each has its content's hash in its address.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const files = {
  'app.css': here('./public/app.css'),
  'enhance.js': here('./public/enhance.js'),
  'favicon.svg': here('./public/favicon.svg'),
  'htmx.js': createRequire(import.meta.url).resolve('htmx.org/dist/htmx.min.js'),
} as const

export type AssetName = keyof typeof files

export interface Assets {
  /** Where a browser finds the file. */
  address(name: AssetName): string
  /** The file with that address, or null. */
  answer(path: string, request: Request): Promise<Response | null>
}

interface Asset {
  readonly address: string
  readonly type: string
  readonly content: Buffer<ArrayBuffer>
  packed?: Promise<Record<'br' | 'gzip', Buffer<ArrayBuffer>>>
}

/** Reads all files once. Throws when the style sheet was not built. */
export const readAssets = (): Assets => {
  const byName = new Map<string, Asset>(Object.entries(files).map(([name, path]) => [name, read(name, path)]))
  const byAddress = new Map([...byName.values()].map((asset) => [asset.address, asset]))
  return {
    address: (name) => byName.get(name)!.address,
    answer: async (path, request) => {
      const asset = byAddress.get(path)
      return asset ? await serve(asset, request) : null
    },
  }
}

const read = (name: string, path: string): Asset => {
  if (!existsSync(path)) throw new Error(`${name} is missing at ${path}: build it with "npm run prepare"`)
  const content = Buffer.from(readFileSync(path))
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16)
  const type = types[name.split('.').at(-1) as keyof typeof types]
  return { address: `/assets/${hash}/${name}`, type, content }
}

const serve = async (asset: Asset, request: Request): Promise<Response> => {
  const accepted = request.headers.get('accept-encoding') ?? ''
  const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null
  const body = encoding ? (await (asset.packed ??= pack(asset.content)))[encoding] : asset.content
  return new Response(body, {
    headers: {
      'content-type': asset.type,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
      ...(encoding ? { 'content-encoding': encoding } : {}),
    },
  })
}

const pack = async (content: Buffer<ArrayBuffer>): Promise<Record<'br' | 'gzip', Buffer<ArrayBuffer>>> => {
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
    promisify(gzip)(content, { level: 9 }),
  ])
  return { br, gzip: gz }
}
