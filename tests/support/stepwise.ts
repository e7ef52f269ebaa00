// Lets the transactions of one name through one by one, so that a test acts between two of them, or inside one.
import type { Database } from '../../kernel/ports.ts'

export interface Stepwise extends Disposable {
  readonly database: (database: Database) => Database
  /** From now on none passes unless it is let through. Nothing settles meanwhile. */
  stop(): void
  /** Lets one through and resolves when it has ended. */
  next(): Promise<void>
  /** Lets one do its work and gives how to let it commit; what it locked stays locked until then. */
  hold(): Promise<() => Promise<void>>
  /** Lets all through from now on. */
  free(): void
}

interface Turn {
  readonly worked: PromiseWithResolvers<void>
  readonly mayCommit: PromiseWithResolvers<void>
  readonly ended: PromiseWithResolvers<void>
}

const turn = (): Turn => ({
  worked: Promise.withResolvers(),
  mayCommit: Promise.withResolvers(),
  ended: Promise.withResolvers(),
})

/** Disposing it frees it: dispose it before what runs on it is stopped. */
export const stepwise = (step: string): Stepwise => {
  const arrivals: ((turn: Turn) => void)[] = []
  const turns: Turn[] = []
  const held = new Set<Turn>()
  let free = true

  const meet = () => {
    while (arrivals.length > 0 && turns.length > 0) arrivals.shift()?.(turns.shift() as Turn)
  }
  const arrive = (): Promise<Turn> =>
    new Promise((resolve) => {
      arrivals.push(resolve)
      meet()
    })
  const allow = (): Turn => {
    const one = turn()
    held.add(one)
    turns.push(one)
    meet()
    return one
  }
  const freeAll = () => {
    free = true
    for (const { mayCommit } of held) mayCommit.resolve()
    for (const resolve of arrivals.splice(0)) {
      const one = turn()
      one.mayCommit.resolve()
      resolve(one)
    }
  }

  const database = (one: Database): Database => ({
    ...one,
    transaction: async (name, work, options) => {
      if (name !== step || free) return one.transaction(name, work, options)
      const mine = await arrive()
      const waiting: typeof work = async (tx) => {
        const result = await work(tx)
        mine.worked.resolve()
        await mine.mayCommit.promise
        return result
      }
      try {
        return await one.transaction(name, waiting, options)
      } finally {
        held.delete(mine)
        mine.worked.resolve()
        mine.ended.resolve()
      }
    },
  })
  return {
    database,
    stop: () => {
      free = false
    },
    next: async () => {
      const { mayCommit, ended } = allow()
      mayCommit.resolve()
      await ended.promise
    },
    hold: async () => {
      const { worked, mayCommit, ended } = allow()
      await worked.promise
      return () => {
        mayCommit.resolve()
        return ended.promise
      }
    },
    free: freeAll,
    [Symbol.dispose]: freeAll,
  }
}
