// What identity is put together on: the ports of sign-in, and what it must write down apart from its transactions.
import type { Sessions, SignIn, Throttle } from '../../kernel/ports.ts'
import type { SecurityEvent } from './rules.ts'

export interface SignInParts {
  readonly signIn: SignIn
  readonly sessions: Sessions
  readonly throttle: Throttle
  /** Passwords that are refused, in lower case. */
  readonly passwordBlocklist: () => Promise<ReadonlySet<string>>
  /** Writes down what happened in a call that ends with a no, whose own changes are undone. */
  readonly record: (event: SecurityEvent) => Promise<void>
}
