// What the ledger says of an event: who pays whom how much, with what caused it.
import type { Cents } from '../../../kernel/money.ts'
import type { Price } from './prices.ts'

export interface Posting {
  readonly epoch: number
  readonly number: number
  readonly line: number
  readonly eventId: string
  readonly kind: 'fee' | 'reward'
  readonly taskId: number
  /** A fee is paid once per assignment; a reward once per task. */
  readonly assignment: number | null
  readonly popugId: number
  readonly from: string
  readonly to: string
  readonly amountCents: Cents
  readonly day: string
  readonly at: Date
}

export interface Cause<Data> {
  readonly epoch: number
  readonly number: number
  readonly eventId: string
  readonly at: Date
  readonly data: Data
}

export const companyTasks = 'company:tasks'
export const accountOf = (popugId: number): string => `popug:${popugId}`

export interface Basis {
  readonly priceOf: ReadonlyMap<number, Price>
  readonly dayOf: ReadonlyMap<number, string>
}

const known = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value => {
  const value = map.get(key)
  if (value === undefined) throw new Error(`nothing known of ${String(key)}`)
  return value
}

/** What every posting says of its cause. */
const causedBy = <Data>({ epoch, number, eventId, at }: Cause<Data>, dayOf: Basis['dayOf']) => ({
  epoch,
  number,
  line: 1,
  eventId,
  at,
  day: known(dayOf, number),
})

/** The assignee pays the fee to the company, once per assignment. */
export const fees = (
  assigned: readonly Cause<{ taskId: number; popugId: number; assignment: number }>[],
  { priceOf, dayOf }: Basis,
): Posting[] =>
  assigned.map((cause) => {
    const { taskId, popugId, assignment } = cause.data
    return {
      ...causedBy(cause, dayOf),
      kind: 'fee',
      taskId,
      assignment,
      popugId,
      from: accountOf(popugId),
      to: companyTasks,
      amountCents: known(priceOf, taskId).feeCents,
    }
  })

/** The company pays the reward to whoever completed the task, once per task. */
export const rewards = (
  completed: readonly Cause<{ taskId: number; popugId: number }>[],
  { priceOf, dayOf }: Basis,
): Posting[] =>
  completed.map((cause) => {
    const { taskId, popugId } = cause.data
    return {
      ...causedBy(cause, dayOf),
      kind: 'reward',
      taskId,
      assignment: null,
      popugId,
      from: companyTasks,
      to: accountOf(popugId),
      amountCents: known(priceOf, taskId).rewardCents,
    }
  })
