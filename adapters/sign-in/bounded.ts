// Bounds how many passwords are hashed at once: each takes 32 MiB and a core for 60 ms, and anybody may ask for it.
import { bulkhead, BulkheadRejectedError } from 'cockatiel'
import type { SignIn } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'

const atOnce = 2
/** Few enough that those who wait do not take up the connections that sessions are looked up with. */
const waiting = 6

/** Throws `Fault('unavailable')` at once when too many wait. */
export const boundedSignIn = (signIn: SignIn): SignIn => {
  const places = bulkhead(atOnce, waiting)
  const bounded = <T>(work: () => Promise<T>): Promise<T> =>
    places.execute(work).catch((error: unknown) => {
      if (error instanceof BulkheadRejectedError) {
        throw new Fault('unavailable', 'too many people sign in at once', { cause: error })
      }
      throw error
    })
  return {
    ...signIn,
    signIn: (email, password, client) => bounded(() => signIn.signIn(email, password, client)),
    setPassword: (subject, email, password) => bounded(() => signIn.setPassword(subject, email, password)),
  }
}
