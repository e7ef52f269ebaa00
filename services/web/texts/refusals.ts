// Every refusal code that a page may have to explain, taken from the contracts, so that a code without a text does not compile.
import type { Contract, Method } from '../../../kernel/contract.ts'
import type { StandardRefusal } from '../../../kernel/caller.ts'
import type { accounting } from '../../accounting/contract.ts'
import type { identity } from '../../identity/contract.ts'
import type { taskTracker } from '../../task-tracker/contract.ts'

type CodesOf<C extends Contract> = {
  [Key in keyof C]: C[Key] extends Method ? Literal<keyof C[Key]['refuses']> : never
}[keyof C]

/** A method without refusals of its own must not turn the union into `string`. */
type Literal<Code> = Code extends string ? (string extends Code ? never : Code) : never

export type AnyRefusal =
  | StandardRefusal
  | CodesOf<typeof taskTracker>
  | CodesOf<typeof accounting>
  | CodesOf<typeof identity>
