// The operators' tool, beside the running aTES.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { plainEnvironment } from './application-process.ts'
import type { Ground } from './grounds.ts'

export interface Said {
  readonly code: number
  readonly out: string
}

/** Runs `npm run ates -- <args>` on what the stage stands on, and gives what it says and how it ended. */
export const ates = async ({ ground }: { readonly ground: Ground }, ...args: readonly string[]): Promise<Said> => {
  const env = { ...plainEnvironment(), ...ground.environment() }
  const running = promisify(execFile)(process.execPath, ['--import', './runtime.js', 'cli.ts', ...args], { env })
  return running.then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      out: `${error.stdout ?? ''}${error.stderr ?? ''}`,
    }),
  )
}
