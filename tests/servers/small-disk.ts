// A disk of a few megabytes that a test fills up: a tmpfs in a mount namespace of its own, which nobody else sees and
// which goes when the process that holds it ends, so that nothing needs to be unmounted.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRoot } from './as-server.ts'

const hold = 'mount -t tmpfs -o "size=$1,mode=1777" tmpfs "$2" && echo mounted && exec cat'

export class SmallDisk implements AsyncDisposable {
  /** Its name for those who `enter`. */
  readonly folder: string
  private readonly holder: ChildProcess

  private constructor(folder: string, holder: ChildProcess) {
    this.folder = folder
    this.holder = holder
  }

  static async open(megabytes: number): Promise<SmallDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'ates-test-disk-'))
    // Ordinary users may mount only in a user namespace, where they are root; a server there must be somebody else.
    const how = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount']
    const holder = spawn('unshare', [...how, 'sh', '-c', hold, 'hold', `${megabytes}m`, folder], { stdio: 'pipe' })
    let said = ''
    holder.stderr.on('data', (data: Buffer) => (said += data.toString()))
    const mounted = once(holder.stdout, 'data').then(() => true)
    const ended = once(holder, 'exit').then(() => false)
    if (!(await Promise.race([mounted, ended]))) throw new Error(`no small disk could be mounted: ${said}`)
    return new SmallDisk(folder, holder)
  }

  /** The beginning of a command that runs where the disk is. */
  get enter(): readonly string[] {
    const target = `--target=${this.holder.pid}`
    if (isRoot) return ['nsenter', target, '--mount']
    return ['nsenter', target, '--user', '--mount', '--preserve-credentials', 'unshare', '--user', '--map-user=1000']
  }

  /** Its name for the test itself. */
  private get outside(): string {
    return `/proc/${this.holder.pid}/root${this.folder}`
  }

  private get filler(): string {
    return join(this.outside, 'filler')
  }

  /** Takes all room but so many kilobytes; all of it when a server takes some meanwhile. */
  async fill(leaveKilobytes = 0): Promise<void> {
    const { bfree, bsize } = await statfs(this.outside)
    const filling = writeFile(this.filler, Buffer.alloc(Math.max(0, bfree * bsize - leaveKilobytes * 1024)))
    await filling.catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    })
  }

  async free(): Promise<void> {
    await rm(this.filler, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.holder, 'exit')
    this.holder.stdin?.end()
    await exit
    await rmdir(this.folder)
  }
}
