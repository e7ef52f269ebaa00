// What a call was refused with, for tests that expect a no.
import { isRefusal, type Outcome } from '../../kernel/result.ts'

/** The code of the refusal, or `ok`. */
export const refusalOf = async (outcome: Promise<Outcome<unknown>>): Promise<string> => {
  const result = await outcome
  return isRefusal(result) ? result.refused : 'ok'
}
