// A step inside an open transaction that can be undone alone.
import { sql } from 'kysely'
import type { Database, Log, Tx } from './ports.ts'

const open = (tx: Tx) => sql`savepoint step`.execute(tx)
const close = (tx: Tx) => sql`release savepoint step`.execute(tx)
const undo = async (tx: Tx): Promise<void> => {
  await sql`rollback to savepoint step`.execute(tx)
  await close(tx)
}

/** Undoes what `work` did when it throws, and throws the same. */
export const inSavepoint = async <T>(tx: Tx, work: () => Promise<T>): Promise<T> => {
  await open(tx)
  try {
    const result = await work()
    await close(tx)
    return result
  } catch (error) {
    // On a lost connection there is nothing left to undo, and the first error says why.
    await undo(tx).catch(() => undefined)
    throw error
  }
}

/** Does `work`, undoes it, and gives what came of it. */
export const rehearsed = async <T>(tx: Tx, work: () => Promise<T>): Promise<T> => {
  await open(tx)
  const result = await work()
  await undo(tx)
  return result
}

/** A database whose transactions are steps of this one, for code that brings its own transactions. */
export const databaseInside = ({ schema }: Database, tx: Tx): Database => ({
  schema,
  transaction: (_name, work) => inSavepoint(tx, () => work(tx)),
  close: () => Promise.resolve(),
})

/** For a rehearsal, which must not say that something happened. */
export const unheard: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => unheard,
}
