// Secrets of an installation that runs in one process: made on first use, kept in its data directory.
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newTokenKey } from './transport/token.ts'

/** What the file holds, made by `make` if there is none. Of two who make it at once, both get the first one's. */
const keep = async (dir: string, name: string, make: () => string | Promise<string>): Promise<string> => {
  const path = join(dir, name)
  const read = () => readFile(path, 'utf8').catch(() => null)
  const known = await read()
  if (known !== null) return known
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const own = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(own, await make(), { mode: 0o600, flag: 'wx' })
  // Linking fails when another was first, and never leaves a half-written file under the name.
  await link(own, path).catch(() => undefined)
  await rm(own)
  return (await read()) ?? make()
}

export interface Secrets {
  readonly signIn: string
  readonly tokenKey: Readonly<Record<string, string>>
}

export const keptSecrets = async (dataDir: string): Promise<Secrets> => {
  const dir = join(dataDir, 'secrets')
  const signIn = await keep(dir, 'sign-in', () => randomBytes(32).toString('base64url'))
  const tokenKey = await keep(dir, 'token-key.json', async () => JSON.stringify(await newTokenKey()))
  return { signIn, tokenKey: JSON.parse(tokenKey) as Record<string, string> }
}
