// Alerts on a database of their own, with a clock that the test moves and channels that remember what they took.
import { migrate } from '../../../kernel/migrations.ts'
import type { Channel, Clock, Message, Tx } from '../../../kernel/ports.ts'
import { seededRandom } from '../../../tests/support/random.ts'
import { freshDatabase } from '../../../tests/support/server.ts'
import { silent } from '../../../tests/support/silent.ts'
import type { Observation } from '../observation.ts'
import { deliverNext } from './deliver.ts'
import { evaluateAlerts, type Evaluating } from './evaluate.ts'
import { alertTables } from './migrations.ts'

export const begin = Date.parse('2026-01-01T00:00:00Z')

export interface TestChannel extends Channel {
  readonly taken: Message[]
  /** What the channel answers to each try; nothing: it takes the message. */
  fail: () => Error | null
}

const testChannel = (name: string): TestChannel => {
  const channel: TestChannel = {
    name,
    taken: [],
    fail: () => null,
    send: async (message) => {
      const error = channel.fail()
      if (error) throw error
      channel.taken.push(message)
    },
  }
  return channel
}

/** Everything is well, but a producer may be silent and events may be parked. */
export const observation = (silentMs = 0): Observation => ({
  at: new Date(begin),
  watchingMs: 0,
  services: [
    { name: 'accounting', silentMs, silentReason: silentMs > 0 ? 'refused' : null, answeringMs: 0, state: null },
  ],
  instances: [],
  lags: [],
  undelivered: [],
  differences: { open: 0, oldestMs: 0, lastRoundAt: null, idleMs: 0, ledgerUnbalanced: false },
})

export const unbalanced = (): Observation => {
  const well = observation()
  return { ...well, differences: { ...well.differences, ledgerUnbalanced: true } }
}

export const openAlerts = async (names: readonly string[] = ['webhook']) => {
  const test = await freshDatabase(['operations'])
  const database = test.open('operations')
  await migrate(database, { '0001-alerts': alertTables })
  const time = { ms: begin }
  const clock: Clock = { now: () => Promise.resolve(new Date(time.ms)) }
  const random = seededRandom(1)
  const channels = names.map(testChannel)
  const telling = { channels: names, url: 'https://ates.example', repeatMs: 4 * 3_600_000 }
  const context = { database, clock, random, log: silent }
  const evaluating = (tx: Tx): Evaluating => ({ tx, now: new Date(time.ms), random, telling })
  return {
    ...context,
    test,
    time,
    telling,
    channels,
    evaluating,
    /** Rounds of the watcher, a second apart, that all see the same. */
    watch: async (rounds: number, seen: Observation) => {
      for (let round = 0; round < rounds; round += 1) {
        time.ms += 1_000
        await database.transaction('test', (tx) => evaluateAlerts(seen, evaluating(tx)))
      }
    },
    /** Tries until nothing is due; gives how often. */
    deliver: async (channel: Channel) => {
      let tries = 0
      while ((await deliverNext(channel, context)) === 'more') tries += 1
      return tries
    },
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  }
}

export const subjectsOf = ({ taken }: TestChannel): string[] =>
  taken.map(({ subject }) => subject.replace('[aTES] ', ''))
