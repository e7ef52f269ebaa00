// The expected noes of the pages themselves, and refusals of services where a page cannot go on. Thrown, shown as a page.
import type { Method, RefusalKind } from '../../kernel/contract.ts'
import { standardRefusals } from '../../kernel/contract.ts'
import type { Refusal } from '../../kernel/result.ts'
import type { AnyRefusal } from './texts/refusals.ts'

export type ProblemCode = 'badRequest' | 'forbidden' | 'crossSite' | 'notFound' | 'tooLarge' | 'wrongType'

const statuses = {
  badRequest: 400,
  forbidden: 403,
  crossSite: 403,
  notFound: 404,
  tooLarge: 413,
  wrongType: 415,
} as const

/** A request that the pages themselves refuse. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: (typeof statuses)[ProblemCode]
  constructor(code: ProblemCode) {
    super(code)
    this.code = code
    this.status = statuses[code]
  }
}

/** A service's refusal where the page has no field or place of its own for it. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly refusal: Refusal<AnyRefusal>
  readonly status: RefusalStatus
  constructor(method: Method, refusal: Refusal) {
    super(`${method.name} refused: ${refusal.refused}`)
    this.refusal = refusal as Refusal<AnyRefusal>
    this.status = statusOf(method, refusal)
  }
}

const statusByKind = {
  invalid: 422,
  forbidden: 403,
  absent: 404,
  conflict: 409,
  throttled: 429,
} as const satisfies Record<RefusalKind, number>
export type RefusalStatus = (typeof statusByKind)[RefusalKind]

export const statusOf = (method: Method, { refused }: Refusal): RefusalStatus => {
  const kinds: Readonly<Record<string, RefusalKind>> = { ...standardRefusals, ...method.refuses }
  return statusByKind[kinds[refused] ?? 'conflict']
}
