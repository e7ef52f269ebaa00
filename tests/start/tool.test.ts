// The operators' tool beside a running aTES and without one: what it says, and the exit code that scripts go by.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Command, install, type Installation, type Running } from './terminal.ts'
import { foundCompany } from './visitor.ts'

let home: Installation
let running: Running

before(async () => {
  home = await install()
  running = await home.start()
  const [, link = ''] = await running.command.saying(/^Make the first administrator, once: (\S+)$/m)
  await foundCompany(link)
})
after(() => home[Symbol.asyncDispose]())

const ended = async (command: Command): Promise<Command> => {
  await command.ended
  return command
}
const ates = (...args: readonly string[]): Promise<Command> => ended(home.tool(args))

const codeOf = ({ child, complaints }: Command): number | string =>
  complaints.length > 0 ? complaints.join('\n') : (child.exitCode ?? 'killed')

const checkAllWell = async (): Promise<void> => {
  const verified = await ates('ledger', 'verify')
  const replayed = await ates('replay', 'accounting')
  const positions = await ates('events', 'positions', 'accounting')
  assert.deepEqual([verified, replayed, positions].map(codeOf), [0, 0, 0])
  assert.match(verified.out, /^ledger: 4 postings, 2 accounts, up to event 4: 0 differences$/m)
  assert.match(verified.out, /^against the event log: [1-9]\d* rows up to event 4: 0 differences$/m)
  assert.match(replayed.out, /^replayed accounting up to event 4: [1-9]\d* rows compared, 0 differences$/m)
  const {
    stream: { head },
    positions: readers,
  } = JSON.parse(positions.out) as {
    stream: { head: number }
    positions: { consumer: string; stream: string; number: number }[]
  }
  assert.equal(head, 0)
  assert.deepEqual(readers.map(({ consumer, stream, number }) => `${consumer} of ${stream} at ${number}`).toSorted(), [
    'holders of identity at 3',
    'ledger of task-tracker at 4',
  ])
}

/** As an intruder with all rights could. */
const changeOneCent = () =>
  home.query(
    'alter table accounting.posting disable trigger user',
    'update accounting.posting set amount_cents = amount_cents + 1 where number = 2',
    'alter table accounting.posting enable trigger user',
  )

test('beside a running aTES it finds everything right', async () => {
  await checkAllWell()
  assert.equal((await fetch(`${running.url}/health/ready`)).status, 200)
})

const actsOnEvents = async (): Promise<void> => {
  const paused = await ates('events', 'pause', 'accounting', 'ledger', '--reason', 'the auditor is here', '--by', 'Ada')
  const stopped = await ates('events', 'status')
  const resumed = await ates('events', 'resume', 'accounting', 'ledger')
  const said = await ates('events', 'redeliver', 'task-tracker', '0', '4')
  const again = await ates('events', 'refetch', 'accounting', 'ledger', '0', '4')
  const log = await ates('events', 'acts')
  assert.deepEqual([paused, stopped, resumed, said, again, log].map(codeOf), [0, 0, 0, 0, 0, 0])
  assert.match(paused.out, /^act \d+ pause: done$/m)
  assert.match(
    stopped.out,
    /^accounting ledger: at 4 of task-tracker, 0 behind, paused \(the auditor is here\), 0 parked$/m,
  )
  assert.match(said.out, /^said: 4$/m)
  assert.match(again.out, /^already: 4$/m)
  assert.match(
    log.out,
    / Ada at the command line: act \d+: pause accounting ledger the auditor is here: done, 1 done, 0 failed$/m,
  )
}

test('beside a running aTES, that one carries out what the operator log says', actsOnEvents)

test('without a running aTES it starts the database for itself, and stops it again', async () => {
  assert.equal(await running.command.interrupt(), 0)
  await checkAllWell()
  await actsOnEvents()
  assert.deepEqual(home.servers, [])
})

test('one changed row of the ledger is found, beside a running aTES and without one', async () => {
  running = await home.start()
  await changeOneCent()
  const verified = await ates('ledger', 'verify')
  const replayed = await ates('replay', 'accounting')
  assert.deepEqual([verified, replayed].map(codeOf), [1, 1])
  assert.match(verified.out, /^ledger: 4 postings, 2 accounts, up to event 4: [1-9]\d* differences$/m)
  assert.match(replayed.out, /^posting: extra \{.*"number": 2, .*\}$/m)
  assert.equal(await running.command.interrupt(), 0)
  assert.equal(codeOf(await ates('ledger', 'verify')), 1)
})

test('what it does not understand, or cannot do, it says in a line, with an exit code that is not 0', async () => {
  const throughNpm = (...args: readonly string[]) => ended(home.npm(['run', '--silent', 'ates', '--', ...args]))
  const [nonsense, nobody, empty, strange] = await Promise.all([
    throughNpm('ledger', 'verfy'),
    ates('replay', 'identity'),
    ates('replay'),
    ates('replay', 'accounting', '--swop'),
  ])
  assert.deepEqual(
    [nonsense, nobody, empty, strange].map(({ child }) => child.exitCode),
    [1, 1, 1, 1],
  )
  assert.deepEqual(nobody.complaints, ['identity derives nothing from events that a replay could rebuild'])
  assert.match(strange.complaints.join('\n'), /^Unknown option '--swop'[^\n]*$/)
  assert.match(nonsense.err, /^npm run ates -- <command>$/m)
  assert.deepEqual(empty.complaints, ['replay needs a service, for example: replay accounting'])
})
