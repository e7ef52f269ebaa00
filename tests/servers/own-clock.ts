// A clock that a test sets, for a server of its own: Debian's libfaketime between the server and the machine's clock.
import { globSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const library = (): string => {
  const [found] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
  if (!found) throw new Error('libfaketime is not installed: apt-get install libfaketime')
  return found
}

export class OwnClock implements AsyncDisposable {
  private readonly file: string

  private constructor(file: string) {
    this.file = file
  }

  /** Right at first. */
  static async open(): Promise<OwnClock> {
    const folder = await mkdtemp(join(tmpdir(), 'ates-test-clock-'))
    await chmod(folder, 0o755)
    const clock = new OwnClock(join(folder, 'clock'))
    await clock.shift(0)
    return clock
  }

  /** The environment of a process that goes by this clock. What measures how long something takes goes on undisturbed. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DISABLE_SHM: '1',
    }
  }

  /** The beginning of a command that goes by this clock. */
  get enter(): readonly string[] {
    return ['env', ...Object.entries(this.environment).map(([name, value]) => `${name}=${value}`)]
  }

  /** From now on it is so many milliseconds ahead of the machine's, or behind. */
  async shift(ms: number): Promise<void> {
    await writeFile(this.file, `${ms < 0 ? '-' : '+'}${Math.abs(ms / 1_000).toFixed(3)}\n`, { mode: 0o644 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(dirname(this.file), { recursive: true, force: true })
  }
}
