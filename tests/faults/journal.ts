// What clients sent and what came back: the audit's other half.
import type { Attempt, CommandName, Learned } from './audit.ts'

/** A command that somebody wants done; `request` names it in every attempt. */
export interface Order {
  readonly request: string
  readonly command: CommandName
  readonly actor: number
  readonly input: Readonly<Record<string, unknown>>
}

export class Journal {
  readonly attempts: Attempt[] = []
  private place = 0

  /** Writes down one attempt; `send` never throws, because not knowing is an answer, too. */
  async record(order: Order, send: (order: Order) => Promise<Learned>): Promise<Learned> {
    const sent = (this.place += 1)
    const learned = await send(order)
    this.attempts.push({ ...order, learned, sent, answered: (this.place += 1) })
    return learned
  }

  /** Writes down what a test did itself, in the database and for sure. */
  done(order: Order, acknowledged: Readonly<Record<string, unknown>>): void {
    this.attempts.push({ ...order, learned: { acknowledged }, sent: (this.place += 1), answered: (this.place += 1) })
  }
}
