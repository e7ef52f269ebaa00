// A short run of chaos; `npm run chaos` is the long one. And whoever stops it leaves nothing behind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { spawn } from 'node:child_process'
import { eventually } from '../../support/eventually.ts'
import { seedOf } from '../../support/random.ts'
import { plainEnvironment } from '../application-process.ts'
import { chaos } from '../chaos/chaos.ts'
import { complaints, report } from '../chaos/report.ts'

const events = 20_000

test('under faults of all kinds at random nothing is lost, nothing comes twice, and recovery is quick', async (t) => {
  const seed = seedOf('chaos')
  const say = (line: string) => t.diagnostic(line)
  const outcome = await chaos({ seed, events, lastsMs: 25_000, signal: t.signal, say })
  for (const line of report(outcome)) say(line)
  assert.deepEqual(complaints(outcome, events), [])
})

/** True while some process of this group lives. */
const lives = (group: number): boolean => {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

test('a run that is stopped ends everything that it has started', async () => {
  const quick = ['--minutes', '5', '--events', '1000', '--only', 'connections of a process cut']
  const child = spawn(process.execPath, ['--import', './runtime.js', 'tests/faults/chaos/run.ts', ...quick], {
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const exit = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (data: Buffer) => (said += data.toString()))
  await eventually('the first blow', () => said.includes('struck'), 60_000)
  child.kill('SIGINT')
  assert.deepEqual(await exit, [130, null])
  await eventually('all to have ended', () => !lives(child.pid ?? 0))
  assert.match(said, /stopped before its end/)
})
