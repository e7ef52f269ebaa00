// Family 20, a way to people that is down: the other one says so, and when it is back it gets everything in order,
// though the process that tells it is killed in the middle of a message, while it is down and again when it is back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { numbersOf, sayForged } from '../planting.ts'
import { until } from '../settled.ts'
import { Deployment } from './deployment.ts'
import { raised } from './raised.ts'
import { type Answer, firstOfEach, openMailbox, openWebhook, type Told } from '../receivers.ts'

/** A minute of failing, and the one after which an alert is said again, are three seconds of the test. */
const speed = 20
const [limitMs, everyMs] = [40_000, 50]
const mostWaiting = 3

const parked = 'EventsParked, ledger of accounting in task-tracker'
const down = 'AlertChannelDown, webhook'

const wasTold = (told: readonly Told[], what: string): boolean => told.some((one) => one.what === what)

/** That a channel is down is told to the others. */
const forBoth = (told: readonly Told[]): Told[] =>
  firstOfEach(told).filter(({ what }) => !what.includes('AlertChannelDown'))

/** The same answer so many times, and none to the message after those. */
const silenceAfter = (times: number, answer: Answer): Answer[] => [
  ...Array.from({ length: times }, () => answer),
  'silence',
]

test('a channel that is down is told by the other one, and gets all in order when it is back, whoever is killed', async () => {
  await using webhook = await openWebhook()
  await using mailbox = await openMailbox()
  const settings = { ATES_ALERT_REPEAT_MINUTES: '1', ATES_TEST_CLOCK: `${Date.now()} ${speed}` }
  await using deployment = await Deployment.open('family 20, channels', {
    replicas: { identity: 1, 'task-tracker': 1, accounting: 1, operations: 1 },
    only: { operations: { ...webhook.settings, ...mailbox.settings, ...settings } },
  })
  const { stage } = deployment
  const [teller] = deployment.of('operations')
  assert.ok(teller)
  const becomes = (what: string, holds: () => boolean | Promise<boolean>) =>
    until(
      () => what,
      async () => holds(),
      limitMs,
      everyMs,
    )
  /** SIGKILL when the webhook has so many messages and says nothing to the last one. */
  const killAmidMessage = async (place: number) => {
    await becomes(`the webhook has ${place} messages`, () => webhook.told.length === place)
    await teller.process.kill()
  }

  webhook.answers(...silenceAfter(stage.draw(1, 3), 'error'))
  const forged = await sayForged(stage, [{ data: { taskId: 'none' } }])
  await stage.traffic(deployment, 10)
  await killAmidMessage(1)
  await webhook.link.away()
  await stage.traffic(deployment, 10)
  await teller.start()

  await becomes('the mail says that the webhook is down', () => wasTold(mailbox.told, `raised: ${down}`))
  const shown = await raised(deployment)
  assert.ok(shown.includes(parked) && shown.includes(down), shown.join('; '))
  await becomes('some messages wait', () => forBoth(mailbox.told).length >= mostWaiting)
  assert.deepEqual(webhook.told, forBoth(mailbox.told).slice(0, 1))

  const [number = 0] = await numbersOf(stage, forged)
  await stage.discardParked(deployment, number)
  const nth = stage.draw(1, mostWaiting)
  webhook.answers(...silenceAfter(nth - 1, 'thanks'))
  await webhook.link.back()
  await killAmidMessage(1 + nth)
  webhook.answers('thanks')
  await teller.start()

  await becomes('all is over but what was forged', async () => {
    const left = await raised(deployment)
    return !left.includes(parked) && !left.includes(down)
  })
  await becomes('the mail says so', () => [parked, down].every((alert) => wasTold(mailbox.told, `cleared: ${alert}`)))
  await becomes('the webhook has all, in order', () => isDeepStrictEqual(forBoth(webhook.told), forBoth(mailbox.told)))
  assert.ok(!wasTold(webhook.told, `raised: ${down}`))
  // Nothing was told twice but what was being told when the process was killed.
  const [, ...others] = webhook.told.toSpliced(nth, 1)
  assert.deepEqual(others, firstOfEach(webhook.told))
  await stage.traffic(deployment, 10)
  await stage.audit({ parked: [number] })
})
