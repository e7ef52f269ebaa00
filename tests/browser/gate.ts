// A gate before one step of aTES, so that a test can look at what is under way for as long as it likes.
import type { Database } from '../../kernel/ports.ts'
import { onTransaction } from '../support/wrapped.ts'

export interface Gate {
  readonly database: (database: Database) => Database
  shut(): void
  /** Lets one step pass. */
  pass(): void
  open(): void
}

/** Before the transactions of this name; open at first. */
export const gateBefore = (step: string): Gate => {
  let shut: PromiseWithResolvers<void> | null = null
  const wait = async <T>(run: () => Promise<T>): Promise<T> => {
    await shut?.promise
    return run()
  }
  const open = () => {
    shut?.resolve()
    shut = null
  }
  const close = () => {
    shut ??= Promise.withResolvers()
  }
  return {
    database: (database) => onTransaction(database, step, wait),
    shut: close,
    pass: () => {
      open()
      close()
    },
    open,
  }
}
