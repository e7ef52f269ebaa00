// Makes one step of a port fail, once or for good, before its effect or after it.
import type { Database, SignIn } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'

/** `before`: it has no effect. `after`: it has its effect, and the caller does not learn of it. */
export type Moment = 'before' | 'after'

/** What a broken step throws. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** For `assert.rejects`: it failed because the test broke it. */
export const wasBroken = (error: unknown): boolean =>
  error instanceof Broken || (error instanceof Error && wasBroken(error.cause))

export interface Breaking {
  /** The next step of this name fails. */
  next(step: string, moment: Moment): void
  /** Breaks transactions by their names. */
  readonly database: (database: Database) => Database
  /** Breaks methods of the sign-in port by their names. */
  readonly signIn: (signIn: SignIn) => SignIn
}

/** Throws `Broken` once for each step that was named. */
export const breaking = (): Breaking => {
  const armed = new Map<string, Moment>()
  const take = (step: string): Moment | undefined => {
    const moment = armed.get(step)
    armed.delete(step)
    return moment
  }
  const broken = async <T>(step: string, run: () => Promise<T>): Promise<T> => {
    const moment = take(step)
    if (moment === 'before') throw new Broken(`${step} did not happen`)
    const result = await run()
    if (moment === 'after') throw new Broken(`nobody learned of ${step}`)
    return result
  }
  return {
    next: (step, moment) => armed.set(step, moment),
    database: (database) => ({
      ...database,
      transaction: (name, work, options) => {
        const moment = take(name)
        const cut: typeof work = async (tx) => {
          const result = await work(tx)
          if (moment === 'before') throw new Broken(`${name} was not committed`)
          return result
        }
        return database.transaction(name, cut, options).then((result) => {
          if (moment === 'after') throw new Broken(`nobody learned of the commit of ${name}`)
          return result
        })
      },
    }),
    signIn: (signIn) => ({
      setPassword: (...given) => broken('setPassword', () => signIn.setPassword(...given)),
      signIn: (...given) => broken('signIn', () => signIn.signIn(...given)),
      subject: (...given) => broken('subject', () => signIn.subject(...given)),
      signOut: (...given) => broken('signOut', () => signIn.signOut(...given)),
      endSessions: (...given) => broken('endSessions', () => signIn.endSessions(...given)),
    }),
  }
}

export interface Dying {
  readonly database: (database: Database) => Database
  /** Resolves when the step at which the process ends was reached. */
  readonly died: Promise<void>
}

/**
 * Ends the process as seen by its databases: the transaction of this name that is reached as number `at` (from 1) fails
 * before or after its commit, and every one after it cannot begin.
 */
export const dying = ({ step, at, moment }: { step: string; at: number; moment: Moment }): Dying => {
  const { promise: died, resolve } = Promise.withResolvers<void>()
  let reached = 0
  let dead = false
  const die = () => {
    dead = true
    resolve()
    return new Fault('unavailable', 'this process has ended')
  }
  const database = (one: Database): Database => ({
    ...one,
    transaction: async (name, work, options) => {
      if (dead) throw new Fault('unavailable', 'this process has ended')
      const mine = name === step && ++reached === at
      const result = await one.transaction(
        name,
        async (tx) => {
          const done = await work(tx)
          if (dead || (mine && moment === 'before')) throw die()
          return done
        },
        options,
      )
      if (mine) throw die()
      return result
    },
  })
  return { died, database }
}
