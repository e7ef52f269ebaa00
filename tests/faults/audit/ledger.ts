// The ledger: each event's posting once and none without its event, prices kept, and every sum right to the cent.
import type { Check, Expected, Finding } from '../audit.ts'
import type { Facts, LoggedEvent, Posting } from './facts.ts'
import { assignmentOf, groupBy, popugOf, taskEvents, taskOf } from './tasks.ts'

const stream = 'task-tracker'
const company = 'company:tasks'

const say = ({
  kind,
  taskId,
  assignment,
  popugId,
  from,
  to,
  eventId,
}: Omit<Posting, 'cents' | 'day' | 'stream' | 'number'>): string =>
  `${kind} of task ${taskId}, assignment ${assignment ?? 'none'}, popug ${popugId}, ${from} -> ${to}, event ${eventId}`

/** What the ledger must say of an event. */
const owed = (event: LoggedEvent): string => {
  const popug = `popug:${popugOf(event)}`
  const what = { taskId: taskOf(event), popugId: popugOf(event), eventId: event.eventId }
  return event.type === 'TaskAssigned'
    ? say({ ...what, kind: 'fee', assignment: assignmentOf(event), from: popug, to: company })
    : say({ ...what, kind: 'reward', assignment: null, from: company, to: popug })
}

/** Postings of events that are in the log, and of those that a restore has taken out of it. */
const divided = ({ postings }: Facts, { lost }: Expected) => {
  const gone = new Set(lost?.eventIds)
  const [ofLost = [], living = []] = [true, false].map((is) => postings.filter((one) => gone.has(one.eventId) === is))
  return { ofLost, living }
}

const perEvent: Check = (facts, _journal, expected) => {
  const { ofLost, living } = divided(facts, expected)
  const byNumber = groupBy(living, ({ number }) => number)
  const parked = new Set(expected.lost?.contradicting)
  const events = taskEvents(facts, expected).filter(({ number }) => !parked.has(number))
  return events.flatMap((event) => {
    const found = (byNumber.get(event.number) ?? []).map(say).join(' and ') || 'none'
    // What a lost event has booked under the same key and with the same content is not booked again.
    const { eventId } = event
    const isBooked = ofLost.some((posting) => say({ ...posting, eventId }) === owed(event))
    return found === (isBooked ? 'none' : owed(event))
      ? []
      : [{ what: 'an event has its one posting', where: `${stream} #${event.number}`, expected: owed(event), found }]
  })
}

const withoutEvent: Check = (facts, _journal, expected) => {
  const numbers = new Set(taskEvents(facts, expected).map(({ number }) => number))
  return divided(facts, expected)
    .living.filter((posting) => posting.stream !== stream || !numbers.has(posting.number))
    .map((posting) => ({
      what: 'no posting without its event',
      where: `${posting.stream} #${posting.number}`,
      expected: 'none',
      found: say(posting),
    }))
}

const keyOf = ({ kind, taskId, assignment }: Posting): string =>
  kind === 'fee' ? `fee of task ${taskId}, assignment ${assignment}` : `${kind} of task ${taskId}`

const oncePerKey: Check = ({ postings }) =>
  [...groupBy(postings, keyOf)]
    .filter(([, same]) => same.length > 1)
    .map(([where, same]) => ({
      what: 'a business key is booked once',
      where,
      expected: '1',
      found: same.map(({ number }) => `#${number}`).join(' and '),
    }))

const limits: Readonly<Record<string, readonly [bigint, bigint]>> = { fee: [1_000n, 2_000n], reward: [2_000n, 4_000n] }

const priceOf = ({ prices }: Facts): ((posting: Posting) => bigint | undefined) => {
  const byTask = new Map(prices.map((price) => [price.taskId, price]))
  return ({ taskId, kind }) => byTask.get(taskId)?.[kind === 'fee' ? 'fee' : 'reward']
}

const amounts: Check = (facts) => {
  const price = priceOf(facts)
  return facts.postings.flatMap((posting): Finding[] => {
    const { kind, cents, number } = posting
    const [least, most] = limits[kind] ?? [0n, 0n]
    const where = `${stream} #${number}, ${keyOf(posting)}`
    const within = cents >= least && cents <= most
    return [
      ...(within
        ? []
        : [{ what: 'an amount is within its limits', where, expected: `${least} to ${most}`, found: String(cents) }]),
      ...(cents === price(posting)
        ? []
        : [
            {
              what: 'an amount is the price of the task',
              where,
              expected: String(price(posting)),
              found: String(cents),
            },
          ]),
    ]
  })
}

const samePrices: Check = ({ postings }) =>
  [...groupBy(postings, ({ kind, taskId }) => `${kind} of task ${taskId}`)].flatMap(([where, same]) => {
    const found = [...new Set(same.map(({ cents }) => String(cents)))]
    return found.length === 1
      ? []
      : [{ what: 'a task has the same price everywhere', where, expected: 'one amount', found: found.join(' and ') }]
  })

interface Entry {
  readonly account: string
  readonly day: string
  readonly cents: bigint
}

/** Each posting is two entries. */
const entriesOf = ({ postings }: Facts): Entry[] =>
  postings.flatMap(({ from, to, cents, day }) => [
    { account: from, day, cents: -cents },
    { account: to, day, cents },
  ])

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((before, amount) => before + amount, 0n)

/** Compares what is kept ready with what was computed; nothing kept is zero. */
const compare = (
  what: string,
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
  zero: string,
): Finding[] =>
  [...new Set([...expected.keys(), ...found.keys()])].flatMap((where) => {
    const [wanted, kept] = [expected.get(where) ?? zero, found.get(where) ?? zero]
    return wanted === kept ? [] : [{ what, where, expected: wanted, found: kept }]
  })

const sums: Check = (facts) => {
  const byAccount = [...groupBy(entriesOf(facts), ({ account }) => account)]
  const total = sum(facts.balances.map(({ cents }) => cents))
  return [
    ...(total === 0n
      ? []
      : [{ what: 'all balances sum to zero', where: 'ledger', expected: '0', found: String(total) }]),
    ...compare(
      'a balance is the sum of its entries',
      new Map(byAccount.map(([account, own]) => [account, String(sum(own.map(({ cents }) => cents)))])),
      new Map(facts.balances.map(({ account, cents }) => [account, String(cents)])),
      '0',
    ),
  ]
}

const inAndOut = (own: readonly Entry[]) => {
  const plus = own.filter(({ cents }) => cents > 0n).map(({ cents }) => cents)
  const minus = own.filter(({ cents }) => cents < 0n).map(({ cents }) => -cents)
  return `${sum(plus)} in, ${sum(minus)} out`
}

const daySums: Check = (facts) => {
  const byDay = [...groupBy(entriesOf(facts), ({ account, day }) => `${account} on ${day}`)]
  return compare(
    'a day is the sum of its entries',
    new Map(byDay.map(([where, own]) => [where, inAndOut(own)])),
    new Map(facts.days.map((kept) => [`${kept.account} on ${kept.day}`, `${kept.in} in, ${kept.out} out`])),
    '0 in, 0 out',
  )
}

export const checkLedger: Check = (facts, journal, expected) =>
  [perEvent, withoutEvent, oncePerKey, amounts, samePrices, sums, daySums].flatMap((check) =>
    check(facts, journal, expected),
  )
