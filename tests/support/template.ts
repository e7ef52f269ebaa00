// For whoever runs tests: a database that is brought up to date once, of which tests get copies.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

export interface Template extends AsyncDisposable {
  /** The settings with which tests find it on this server. */
  readonly environment: Readonly<Record<string, string>>
}

const program = join(import.meta.dirname, 'template-database.ts')

/** Made on this server, and dropped when disposed. */
export const openTemplate = async (url: string): Promise<Template> => {
  const server = { ATES_TEST_DATABASE_URL: url }
  const { stdout: name } = await promisify(execFile)(process.execPath, ['--import', './runtime.js', program], {
    env: { ...process.env, ...server },
  })
  return {
    environment: { ...server, ATES_TEST_TEMPLATE: name },
    [Symbol.asyncDispose]: async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`drop database ${name}`)
      await client.end()
    },
  }
}
