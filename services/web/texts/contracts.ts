// What the contracts say in English of methods and fields, in the reader's words where the catalog has them. A process of
// another version may publish what no catalog here knows: that stays as the contract has it.
import type { Method } from '../../../kernel/contract.ts'
import type { accounting } from '../../accounting/contract.ts'
import type { identity } from '../../identity/contract.ts'
import type { operations } from '../../operations/contract.ts'
import type { taskTracker } from '../../task-tracker/contract.ts'
import type { Texts } from './en.ts'
import { textOf } from './sayings.ts'

interface Contracts {
  readonly identity: typeof identity
  readonly 'task-tracker': typeof taskTracker
  readonly accounting: typeof accounting
  readonly operations: typeof operations
}

/** Names on the wire. */
type MethodNames<C> = { [Key in keyof C & string]: C[Key] extends Method ? Capitalize<Key> : never }[keyof C & string]

export type MethodTexts = {
  readonly [Service in keyof Contracts]: { readonly [Name in MethodNames<Contracts[Service]>]?: string }
}

export interface ContractTexts {
  readonly services: Readonly<Record<keyof Contracts, string>>
  readonly methods: MethodTexts
  /** By what the contracts say in English. */
  readonly fields: Readonly<Record<string, string>>
}

type ByName = Readonly<Record<string, string>>

/** What a service is for; null when it is not known here. */
export const serviceText = ({ contracts }: Texts, service: string): string | null => textOf(contracts.services, service)

/** What a method does; null when the catalog leaves that to the contract. */
export const methodText = (
  { contracts }: Texts,
  { service, name }: { service: string; name: string },
): string | null => {
  const methods = new Map<string, ByName>(Object.entries(contracts.methods)).get(service)
  return methods ? textOf(methods, name) : null
}

/** What a field is, of which a contract says this; null when the catalog leaves that to the contract. */
export const fieldText = ({ contracts }: Texts, description: string): string | null =>
  textOf(contracts.fields, description)
