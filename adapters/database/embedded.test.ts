// The embedded server starts once, on safe settings, and again after whatever was killed, removed or left behind.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Log } from '../../kernel/ports.ts'
import { copiedBinaries, installedBinaries, linkLibraries, usableBinaries } from './embedded-binaries.ts'
import { asServer, findHome, type Home } from './embedded-home.ts'
import { boundLog, endPostmaster, isPostmaster, readAddress } from './embedded-postmaster.ts'
import { defaultDataDir, EmbeddedError, type EmbeddedServer, joinEmbedded, startEmbedded } from './embedded.ts'

const isRoot = process.getuid?.() === 0

/** What only some may do is tested where it can be shown, and is no test elsewhere. */
const testWhere =
  (shown: boolean) =>
  (name: string, body: () => void | Promise<void>): void => {
    if (shown) void test(name, body)
  }

const succeeds = (work: () => unknown): boolean => {
  try {
    work()
    return true
  } catch {
    return false
  }
}

const mount = (dataDir: string, size: string) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=711`, 'tmpfs', dataDir], { stdio: 'ignore' })

const mayMount = (): boolean => {
  const dir = mkdtempSync(join(tmpdir(), 'ates-embedded-'))
  const may = isRoot && succeeds(() => mount(dir, '1m'))
  if (may) execFileSync('umount', ['--lazy', dir])
  rmSync(dir, { recursive: true })
  return may
}

/** An ordinary user cannot run what lies in somebody's private directory. */
const othersMayRead = (): boolean =>
  succeeds(() =>
    execFileSync('setpriv', ['--reuid=65534', '--clear-groups', 'cat', import.meta.filename], { stdio: 'ignore' }),
  )

const testAsRoot = testWhere(isRoot)
const testAsUser = testWhere(!isRoot)
const testAsOther = testWhere(isRoot && othersMayRead())
const testOnLinux = testWhere(process.platform === 'linux')
const testWithMounts = testWhere(mayMount())

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

const dirs: string[] = []
const children: ChildProcess[] = []

const freshDir = (): string => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ates-embedded-')))
  dirs.push(dir)
  return dir
}

/** One that holds other things beside a data directory. */
const freshParent = (): string => {
  const dir = freshDir()
  chmodSync(dir, 0o711)
  return dir
}

/** One database for the tests that do not care how it came to be. */
const shared = freshDir()

const homeOf = async (dataDir: string): Promise<Home> => {
  const home = await findHome(dataDir)
  assert(home)
  return home
}

/** Ends whatever runs on this data, in whatever state a test left it. */
const endServer = async (dataDir: string): Promise<void> => {
  const home = await findHome(dataDir).catch(() => null)
  const pid = home && (await readAddress(home).catch(() => null))?.pid
  if (home && pid) await endPostmaster(home, pid, [['SIGKILL', 10_000]])
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const killHard = async (child: ChildProcess): Promise<void> => {
  if (ended(child)) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

afterEach(async () => {
  for (const child of children.splice(0)) await killHard(child)
  for (const dir of dirs) await endServer(dir)
  for (const dir of dirs.splice(1)) rmSync(dir, { recursive: true, force: true, maxRetries: 10 })
})

after(() => rmSync(shared, { recursive: true, force: true, maxRetries: 10 }))

const until = async (what: string, holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> => {
  for (const giveUp = Date.now() + limitMs; !(await holds()); await delay(5)) {
    if (Date.now() > giveUp) throw new Error(`did not happen in ${limitMs} ms: ${what}`)
  }
}

const start = (dataDir: string, settings: Record<string, string> = {}): Promise<EmbeddedServer> =>
  startEmbedded({ dataDir, log: silent, settings })

const connected = async (server: EmbeddedServer): Promise<Client> => {
  const client = new Client(server.connection('postgres', 'postgres'))
  client.on('error', () => {})
  await client.connect()
  return client
}

const ask = async (server: EmbeddedServer, query: string): Promise<string> => {
  const client = await connected(server)
  const { rows } = await client.query<string[]>({ text: query, rowMode: 'array' })
  await client.end()
  return rows.map((row) => row.join('|')).join('\n')
}

const pidOf = async (dataDir: string): Promise<number> => (await readAddress(await homeOf(dataDir)))?.pid ?? 0

const has = (dataDir: string, name: RegExp): boolean => readdirSync(dataDir).some((entry) => name.test(entry))

const versionOf = (binaries: string): string =>
  execFileSync(join(binaries, 'bin/postgres'), ['--version'], { stdio: 'pipe' }).toString()

/** Refused with an EmbeddedError of one line that says `words`. */
const refused = async (attempt: Promise<unknown>, ...words: RegExp[]): Promise<void> => {
  await assert.rejects(attempt, (error) => {
    assert(error instanceof EmbeddedError, String(error))
    assert.doesNotMatch(error.message, /\n/)
    for (const word of words) assert.match(error.message, word)
    return true
  })
}

/** Another aTES process on this data. It says `owner`, or why it may not be. */
const otherProcess = (dataDir: string, then = 'setInterval(() => {}, 1000)', as: object = {}): ChildProcess => {
  const script = `
    const { startEmbedded } = await import(${JSON.stringify(import.meta.resolve('./embedded.ts'))})
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    try {
      const server = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log })
      console.log('owner')
      ${then}
    } catch (error) {
      console.log(error.name + ': ' + error.message)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 2], ...as })
  children.push(child)
  return child
}

const firstLine = async (child: ChildProcess): Promise<string> => {
  const [data] = (await once(child.stdout ?? assert.fail(), 'data')) as [Buffer]
  return data.toString().trim()
}

/** A server whose owner was killed. */
const orphan = async (dataDir: string): Promise<number> => {
  const owner = otherProcess(dataDir)
  assert.equal(await firstLine(owner), 'owner')
  await killHard(owner)
  const pid = await pidOf(dataDir)
  assert(await isPostmaster(await homeOf(dataDir), pid))
  return pid
}

/** Owner and server killed, so that a pid file is left that nobody removed. */
const bothKilled = async (dataDir: string): Promise<void> => {
  const pid = await orphan(dataDir)
  process.kill(pid, 'SIGKILL')
  const home = await homeOf(dataDir)
  await until('the server is gone', async () => !(await isPostmaster(home, pid)))
}

test('is durable, speaks UTF-8 and is open to nobody but its own user', async () => {
  await using server = await start(freshDir())
  const settings = [
    'fsync',
    'full_page_writes',
    'synchronous_commit',
    'data_checksums',
    'autovacuum',
    'server_encoding',
  ]
  const shown = await Promise.all(settings.map((name) => ask(server, `show ${name}`)))
  assert.deepEqual(shown, ['on', 'on', 'on', 'on', 'on', 'UTF8'])
  assert.equal(await ask(server, 'show listen_addresses'), '')
  assert.equal(
    await ask(server, `select distinct datlocprovider, datlocale, datcollate from pg_database`),
    'b|C.UTF-8|C',
  )
  assert.equal(await ask(server, `select lower('ПОПУГ')`), 'попуг')
  assert.equal(
    await ask(server, `select distinct type, auth_method from pg_hba_file_rules where auth_method <> 'reject'`),
    'local|trust',
  )
  assert.equal(statSync(server.socketDir).mode & 0o777, 0o700)
  assert.equal(statSync(server.socketDir).uid, (await homeOf(server.dataDir)).uid)
})

test('settings are taken, except those that would open it', async () => {
  await using server = await start(shared, { work_mem: '7MB', listen_addresses: '*', unix_socket_directories: '/tmp' })
  assert.equal(await ask(server, 'show work_mem'), '7MB')
  assert.equal(await ask(server, 'show listen_addresses'), '')
  assert(server.socketDir.startsWith(shared))
})

test('a setting that PostgreSQL refuses is said in one line, and holds nothing', async () => {
  await refused(start(shared, { shared_buffers: 'plenty' }), /did not start/, /shared_buffers/, /postgres\.log/)
  await using server = await start(shared)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('stops in order, as often as it is asked to, and keeps its data', async () => {
  const first = await start(shared)
  await ask(first, 'create table if not exists kept as select 42 as answer')
  const pid = await pidOf(shared)
  await Promise.all([first.stop(), first.stop()])
  await first.stop()
  assert.equal(await isPostmaster(await homeOf(shared), pid), false)
  assert(!existsSync(join(shared, 'postgres/postmaster.pid')))
  const log = readFileSync(join(shared, 'postgres.log'), 'utf8')
  assert.match(log, /database system is shut down\s*$/)
  await using again = await start(shared)
  assert.equal(await ask(again, 'select answer from kept'), '42')
})

test('stops although somebody is still connected', async () => {
  const server = await start(shared)
  const client = await connected(server)
  const query = assert.rejects(client.query('select pg_sleep(100)'))
  await server.stop()
  await query
})

test('a path too long for a socket, with blanks, commas and an apostrophe', async () => {
  const dataDir = join(freshParent(), `it's a, b`, 'long'.repeat(50), 'data')
  mkdirSync(dataDir, { recursive: true })
  const server = await start(dataDir)
  assert.equal(await ask(server, 'select 1'), '1')
  assert.equal(statSync(server.socketDir).mode & 0o777, 0o700)
  const joined = await joinEmbedded({ dataDir })
  assert.equal(await joined?.stop(), undefined)
  await server.stop()
  assert(!existsSync(server.socketDir), 'its socket directory is removed')
  await endServer(dataDir)
})

test('a short path with characters that a list of directories has to quote', async () => {
  const dataDir = join(freshParent(), `it's a, b`)
  await using server = await start(dataDir)
  assert.equal(await ask(server, 'select 1'), '1')
})

testAsRoot('a socket directory that belongs to somebody else is not used', async () => {
  const dataDir = join(freshParent(), 'long'.repeat(30))
  await bothKilled(dataDir)
  const trap = freshDir()
  chownSync(trap, 1234, 1234)
  const pidFile = join(dataDir, 'postgres/postmaster.pid')
  const lines = readFileSync(pidFile, 'utf8').split('\n')
  rmSync(lines[4] ?? assert.fail(), { recursive: true })
  writeFileSync(pidFile, lines.with(4, trap).join('\n'))
  const server = await start(dataDir)
  assert.notEqual(server.socketDir, trap)
  await server.stop()
})

testOnLinux('Ctrl-C in the terminal does not reach the server: it has a session of its own', async () => {
  await using _server = await start(shared)
  const pid = await pidOf(shared)
  const session = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]
  assert.equal(Number(session), pid)
})

test('does not keep a process alive that has nothing else to do', async () => {
  const child = otherProcess(shared, '')
  assert.equal(await firstLine(child), 'owner')
  await until('it exits', () => ended(child))
})

testAsRoot('as root it runs as nobody, on a copy of the binaries that everybody may read', async () => {
  const dataDir = freshDir()
  await using _server = await start(dataDir)
  const home = await homeOf(dataDir)
  const nobody = Number(execFileSync('id', ['-u', 'nobody']))
  assert.equal(home.uid, nobody)
  assert.equal(statSync(`/proc/${await pidOf(dataDir)}`).uid, nobody)
  assert.equal(statSync(join(dataDir, 'postgres')).uid, nobody)
  const { version } = await installedBinaries()
  assert.equal(statSync(join(dataDir, `postgresql-${version}`)).mode & 0o777, 0o755)
})

testAsRoot('as root, a directory that nobody may not pass is named', async () => {
  const parent = freshDir()
  await refused(start(join(parent, 'data')), new RegExp(`nobody.* ${parent}: run chmod o\\+x ${parent},`))
  const home = freshDir()
  writeFileSync(join(home, 'letter.txt'), 'private')
  await refused(start(home), new RegExp(`chmod o\\+x ${home},`))
  assert.equal(statSync(home).mode & 0o777, 0o700)
})

testAsOther('runs as an ordinary user', async () => {
  const dataDir = freshDir()
  const nobody = asServer(await homeOf(dataDir))
  chownSync(dataDir, nobody.uid ?? 0, nobody.gid ?? 0)
  const child = otherProcess(dataDir, 'await server.stop(); console.log("stopped")', nobody)
  assert.equal(await firstLine(child), 'owner')
  assert.equal(await firstLine(child), 'stopped')
  assert(!readdirSync(dataDir).some((name) => name.startsWith('postgresql-')), 'the installed binaries are used')
})

test('a copy of the binaries is made once, and linked when the package is not', async () => {
  const { root, version } = await installedBinaries()
  const bare = join(freshDir(), 'native')
  cpSync(root, bare, { recursive: true, filter: (source) => !lstatSync(source).isSymbolicLink() })
  assert.throws(() => versionOf(bare), 'without its links the server does not start')

  const copies = freshDir()
  mkdirSync(join(copies, `postgresql-${version}.unfinished/bin`), { recursive: true })
  const copied = await copiedBinaries({ root: bare, version }, copies)
  assert.match(versionOf(copied.root), /PostgreSQL/)
  assert.deepEqual(readdirSync(copies), [`postgresql-${version}`])
  const made = statSync(copied.root).ctimeMs
  await copiedBinaries({ root: bare, version }, copies)
  assert.equal(statSync(copied.root).ctimeMs, made)

  assert.equal((await usableBinaries({ root: bare, version }, copies)).root, bare)
  assert.match(versionOf(bare), /PostgreSQL/)
  await linkLibraries(bare)
})

test('only one of many that start at the same moment becomes the owner', async (t) => {
  for (const [name, dataDir] of Object.entries({ fresh: freshDir(), existing: shared })) {
    await t.test(`on ${name} data`, async () => {
      const others = [1, 2, 3, 4].map(() => otherProcess(dataDir))
      const said = (await Promise.all(others.map(firstLine))).toSorted()
      const no = `EmbeddedError: aTES already runs on this data directory (${dataDir}); use another ATES_DATA_DIR or stop it`
      assert.deepEqual(said, [no, no, no, 'owner'])
      for (const child of others) await killHard(child)
    })
  }
})

test('a second start on the same data is refused, in the same process too, and the first goes on', async () => {
  await using server = await start(shared)
  await refused(start(shared), /already runs on this data directory/, /ATES_DATA_DIR/)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('a second start is refused by the server when the lock file was removed', async () => {
  await using server = await start(shared)
  rmSync(join(shared, 'owner.lock'))
  await refused(start(shared), /already runs on this data directory/)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('the server of a killed owner is taken over', async () => {
  const pid = await orphan(shared)
  const server = await start(shared)
  assert.equal(await pidOf(shared), pid)
  await refused(start(shared), /already runs/)
  await server.stop()
  assert.equal(await isPostmaster(await homeOf(shared), pid), false)
})

test('the server of a killed owner is ended when it hangs', async () => {
  const pid = await orphan(shared)
  process.kill(pid, 'SIGSTOP')
  await using server = await start(shared)
  assert.notEqual(await pidOf(shared), pid)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('the server of a killed owner is ended when its socket was removed', async () => {
  const pid = await orphan(shared)
  rmSync(join(shared, 'postgres.socket'), { recursive: true })
  await using server = await start(shared)
  assert.notEqual(await pidOf(shared), pid)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('a start that was killed at any step does not keep the next one from working', async (t) => {
  const steps: Record<string, (dataDir: string) => boolean> = {
    ...(isRoot && { 'copying the binaries': (dataDir) => has(dataDir, /^postgresql-.*\.unfinished$/) }),
    'creating the database': (dataDir) => has(dataDir, /^postgres\.unfinished-/),
    'naming the database': (dataDir) => has(dataDir, /^postgres$/),
    'starting the server': (dataDir) => existsSync(join(dataDir, 'postgres/postmaster.pid')),
  }
  for (const [name, reached] of Object.entries(steps)) {
    await t.test(name, async () => {
      const dataDir = freshDir()
      const child = otherProcess(dataDir)
      await until(name, () => reached(dataDir))
      await killHard(child)
      const server = await start(dataDir)
      assert.equal(await ask(server, 'select 1'), '1')
      await server.stop()
      assert(!has(dataDir, /unfinished/))
    })
  }
})

test('starts after owner and server were killed, also when the socket went with a reboot', async () => {
  await bothKilled(shared)
  await (await start(shared)).stop()
  await bothKilled(shared)
  rmSync(join(shared, 'postgres.socket'), { recursive: true })
  await using server = await start(shared)
  assert.equal(await ask(server, 'select 1'), '1')
})

test('waits for a process of the killed server that is still at work', async () => {
  const pid = await orphan(shared)
  const joined = await joinEmbedded({ dataDir: shared })
  assert(joined)
  const client = await connected(joined)
  const busy = client.query('select count(*) from generate_series(1, 12000000)').catch(() => {})
  const isBusy = async (): Promise<boolean> =>
    (await ask(joined, `select count(*) from pg_stat_activity where state = 'active' and query like '%series%'`)) ===
    '2'
  await until('the statement runs', isBusy)
  process.kill(pid, 'SIGKILL')
  await using server = await start(shared)
  assert.equal(await ask(server, 'select 1'), '1')
  assert.match(
    readFileSync(join(shared, 'postgres.log'), 'utf8'),
    /pre-existing shared memory block .* is still in use/,
  )
  await busy
  await joined.stop()
})

test('a pid file that names somebody else, or nothing, is not believed', async () => {
  const pidFile = join(shared, 'postgres/postmaster.pid')
  const socketLock = join(shared, 'postgres.socket/.s.PGSQL.5432.lock')
  await bothKilled(shared)
  const bystander = spawn('sleep', ['600'], { stdio: 'ignore', ...asServer(await homeOf(shared)) })
  children.push(bystander)
  for (const file of [pidFile, socketLock]) {
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(bystander.pid)))
  }
  const server = await start(shared)
  assert(!ended(bystander))
  await server.stop()
  const home = await homeOf(shared)
  for (const file of [pidFile, socketLock]) {
    writeFileSync(file, '')
    chownSync(file, home.uid, home.gid)
    utimesSync(file, 1, 1)
  }
  await using again = await start(shared)
  assert.equal(await ask(again, 'select 1'), '1')
})

test('says when the server was killed, and can be started again', async () => {
  const server = await start(shared)
  process.kill(await pidOf(shared), 'SIGKILL')
  assert.match(await server.died, /ended or was lost.*postgres\.log/)
  await using again = await start(shared)
  await server.stop()
  assert.equal(await ask(again, 'select 1'), '1')
})

test('stays the owner when a part of the server crashes and it restarts itself', async () => {
  await using server = await start(shared)
  let dead = false
  void server.died.then(() => (dead = true))
  const owner = 'select pid from pg_locks where locktype = $$advisory$$ and granted'
  const before = await ask(server, owner)
  process.kill(Number(before), 'SIGKILL')
  const others = async (): Promise<boolean> => !['', before].includes(await ask(server, owner).catch(() => ''))
  await until('another session holds the lock', others)
  await refused(start(shared), /already runs/)
  assert.equal(dead, false)
})

test('stops while it is about to reach a server that crashed', async () => {
  const server = await start(shared)
  const pid = await pidOf(shared)
  const owner = await ask(server, 'select pid from pg_locks where locktype = $$advisory$$ and granted')
  const client = await connected(server)
  const cut = new Promise((resolve) => client.once('end', resolve))
  process.kill(Number(owner), 'SIGKILL')
  await cut
  await server.stop()
  assert.equal(await isPostmaster(await homeOf(shared), pid), false)
})

test('joining finds the server without owning it', async () => {
  assert.equal(await joinEmbedded({ dataDir: join(freshDir(), 'nothing') }), null)
  assert.equal(await joinEmbedded({ dataDir: freshDir() }), null)
  const server = await start(shared)
  const [joined, second] = [await joinEmbedded({ dataDir: shared }), await joinEmbedded({ dataDir: shared })]
  assert(joined && second)
  assert.equal(await ask(joined, 'select 1'), '1')
  await joined.stop()
  await joined.stop()
  assert.equal(await ask(server, 'select 1'), '1')
  await server.stop()
  assert.match(await second.died, /ended or was lost/)
  assert.equal(await joinEmbedded({ dataDir: shared }), null)
  await bothKilled(shared)
  assert.equal(await joinEmbedded({ dataDir: shared }), null)
})

test('a directory that cannot be used is named, with what to do', async () => {
  const dir = freshParent()
  writeFileSync(join(dir, 'file'), '')
  await refused(start(join(dir, 'file')), /Cannot use .*\/file for the database: it is not a directory.*ATES_DATA_DIR/)
  await refused(start(join(dir, 'file/data')), /not a directory.*ATES_DATA_DIR/)
  await refused(start('/proc/ates/data'), /Cannot use \/proc\/ates\/data.*ATES_DATA_DIR/)
  await refused(start(join(dir, 'costs $5')), /Cannot use .*PostgreSQL cannot be run from paths with/)
  mkdirSync(join(dir, 'foreign/postgres'), { recursive: true })
  writeFileSync(join(dir, 'foreign/postgres/other'), '')
  await refused(start(join(dir, 'foreign')), /foreign\/postgres is not the data of a PostgreSQL server/)
})

testAsRoot('a directory of somebody else is named, with what to do', async () => {
  const dataDir = freshDir()
  const child = otherProcess(dataDir, '', { uid: 1234, gid: 1234 })
  assert.match(
    await firstLine(child),
    /EmbeddedError: .* let the user who starts aTES write there, or set ATES_DATA_DIR/,
  )
})

test('data of another PostgreSQL version or another user is left alone', async () => {
  await (await start(shared)).stop()
  const version = join(shared, 'postgres/PG_VERSION')
  const cluster = join(shared, 'postgres')
  const original = readFileSync(version, 'utf8')
  writeFileSync(version, '17\n')
  await refused(start(shared), /made by PostgreSQL 17 and this aTES has 18/, /pg_dump/)
  writeFileSync(version, original)
  if (!isRoot) return
  const { uid, gid } = statSync(cluster)
  chownSync(cluster, 1234, 1234)
  await refused(start(shared), /belongs to user id 1234/, /chown/)
  chownSync(cluster, uid, gid)
})

/** Runs `work` on a file system of this size. */
const onSmallDisk = async (size: string, work: (dataDir: string) => Promise<void>): Promise<void> => {
  const dataDir = freshDir()
  mount(dataDir, size)
  try {
    await work(dataDir)
  } finally {
    await endServer(dataDir)
    execFileSync('umount', ['--lazy', dataDir])
  }
}

for (const [step, size] of Object.entries({ 'copying the binaries': '10m', 'creating the database': '80m' })) {
  testWithMounts(`a disk that is full when ${step} is named, with what to do, and nothing is left`, async () => {
    await onSmallDisk(size, async (dataDir) => {
      await refused(start(dataDir), /the disk is full: free some space.*ATES_DATA_DIR/)
      assert(!has(dataDir, /unfinished/))
    })
  })
}

testWithMounts('a disk that is full when starting is named, with what to do', async () => {
  await onSmallDisk('200m', async (dataDir) => {
    await (await start(dataDir)).stop()
    const filler = join(dataDir, 'filler')
    assert.throws(() => writeFileSync(filler, Buffer.alloc(200_000_000)), /ENOSPC/)
    await refused(start(dataDir), /the disk is full/)
    rmSync(filler)
    await using server = await start(dataDir)
    assert.equal(await ask(server, 'select 1'), '1')
  })
})

test('the log of the server cannot grow for ever', async () => {
  const logFile = join(shared, 'postgres.log')
  writeFileSync(logFile, 'x'.repeat(11_000_000))
  await using server = await start(shared)
  assert(statSync(logFile).size < 10_000)
  writeFileSync(logFile, 'x'.repeat(11_000_000))
  await boundLog(await homeOf(shared))
  await assert.rejects(ask(server, 'select nonsense'))
  assert.match(readFileSync(logFile, 'utf8'), /^\d+.*nonsense/)
})

testAsUser('the usual place for data is the system’s for root, and the user’s own otherwise', () => {
  assert.equal(defaultDataDir('/somewhere'), '/somewhere/ates')
  for (const base of [undefined, '', 'here']) assert.match(defaultDataDir(base), /\/\.local\/share\/ates$/)
})
