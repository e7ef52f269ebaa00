// What a task costs its assignee and what it earns: drawn once, uniform in whole cents, ends included.
import { type Cents, dollars } from '../../../kernel/money.ts'

export interface Price {
  readonly taskId: number
  readonly feeCents: Cents
  readonly rewardCents: Cents
}

/** A uniform integer, both ends included. */
export type Draw = (from: number, to: number) => number

export const fee = { from: dollars(10), to: dollars(20) } as const
export const reward = { from: dollars(20), to: dollars(40) } as const

const drawWithin = ({ from, to }: { from: Cents; to: Cents }, draw: Draw): Cents =>
  BigInt(draw(Number(from), Number(to)))

/** Prices do not depend on who is assigned. */
export const drawPrices = (taskIds: readonly number[], draw: Draw): Price[] =>
  taskIds.map((taskId) => ({ taskId, feeCents: drawWithin(fee, draw), rewardCents: drawWithin(reward, draw) }))
