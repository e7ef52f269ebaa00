// Every refusal code that a page may have to explain, taken from the contracts, so that a code without a text does not compile.
import type { Contract, Method } from '../../../kernel/contract.ts'
import type { StandardRefusal } from '../../../kernel/caller.ts'
import type { Refusal } from '../../../kernel/result.ts'
import type { accounting } from '../../accounting/contract.ts'
import type { identity } from '../../identity/contract.ts'
import type { operations } from '../../operations/contract.ts'
import type { taskTracker } from '../../task-tracker/contract.ts'

type CodesOf<C extends Contract> = {
  [Key in keyof C]: C[Key] extends Method ? Literal<keyof C[Key]['refuses']> : never
}[keyof C]

/** A method without refusals of its own must not turn the union into `string`. */
type Literal<Code> = Code extends string ? (string extends Code ? never : Code) : never

/** What else may end an act: other services say it to operations. A test names those that lack. */
type EndOfAct =
  | 'consumer_forked'
  | 'other_stream'
  | 'not_consecutive'
  | 'parts_elsewhere'
  | 'epoch_not_newer'
  | 'event_unknown'

export type AnyRefusal =
  | StandardRefusal
  | EndOfAct
  | CodesOf<typeof taskTracker>
  | CodesOf<typeof accounting>
  | CodesOf<typeof identity>
  | CodesOf<typeof operations>

/** A refusal's detail as texts; what is neither text nor number is left out. */
export type Detail = Readonly<Record<string, string>>

export const detailOf = ({ detail = {} }: Refusal): Detail =>
  Object.fromEntries(
    Object.entries(detail).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value).slice(0, 200)]] : [],
    ),
  )

/** A text for each code; where the refusal says more than its code, the text is made of its detail. */
export type RefusalTexts = Record<AnyRefusal, string | ((detail: Detail) => string)>

/** The refusal in words. A code that this version does not know is said as a plain no. */
export const refusalText = (
  texts: { refusals: RefusalTexts; problems: { refused: string } },
  refusal: Refusal,
): string => {
  if (!Object.hasOwn(texts.refusals, refusal.refused)) return texts.problems.refused
  const text = texts.refusals[refusal.refused as AnyRefusal]
  return typeof text === 'string' ? text : text(detailOf(refusal))
}
