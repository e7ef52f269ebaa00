// All contracts as plain data, for comparing with what they were.
import { z } from 'zod'
import { type AnyContract, eventsOf, methodsOf } from '../../kernel/contract.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type Schema = { readonly [name: string]: Json }

export interface MethodSnapshot {
  readonly is: 'command' | 'query'
  readonly http: string
  readonly allow: readonly string[]
  readonly idempotent: boolean
  readonly refuses: Readonly<Record<string, string>>
  readonly input: Schema
  readonly output: Schema
}

export interface EventSnapshot {
  readonly is: 'event'
  readonly about: string
  readonly version: number
  /** By version: what was ever said stays in the log. */
  readonly data: Readonly<Record<string, Schema>>
}

export type Entry = MethodSnapshot | EventSnapshot
/** The entries of one contract by their names in code. */
export type Snapshot = Readonly<Record<string, Entry>>

/** What a schema requires, without the words that explain it. Names of fields are kept, whatever they are. */
const plain = (json: unknown): Json => {
  if (Array.isArray(json)) return json.map(plain)
  if (typeof json !== 'object' || json === null) return json as Json
  const kept = Object.entries(json).filter(([name]) => name !== '$schema' && name !== 'description')
  return Object.fromEntries(kept.map(([name, value]) => [name, name === 'properties' ? fieldsOf(value) : plain(value)]))
}

const fieldsOf = (properties: object): Json =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, plain(schema)]))

const schemaOf = (schema: z.core.$ZodType, io: 'input' | 'output'): Schema =>
  plain(z.toJSONSchema(schema, { io, unrepresentable: 'any' })) as Schema

const codeName = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)

/** A contract as it is now. Of events, the versions that are kept of before are carried on. */
export const snapshotOf = (contract: AnyContract, kept: Snapshot = {}): Snapshot => {
  const methods = methodsOf(contract).map(({ name, is, http, allow, idempotent, refuses, input, output }) => [
    codeName(name),
    {
      is,
      http,
      allow: [...allow],
      idempotent,
      refuses: { ...refuses },
      input: schemaOf(input, 'input'),
      output: schemaOf(output, 'output'),
    } satisfies MethodSnapshot,
  ])
  const events = eventsOf(contract).map(({ name, about, version, data }) => {
    const before = kept[codeName(name)]
    const earlier = before?.is === 'event' ? before.data : {}
    const all = { ...earlier, [version]: schemaOf(data, 'output') }
    return [codeName(name), { is: 'event', about, version, data: all } satisfies EventSnapshot]
  })
  return Object.fromEntries([...methods, ...events]) as Snapshot
}

const leaves = (value: Json | undefined, path: string): [string, string][] => {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[path, JSON.stringify(value)]]
  const inner = Object.entries(value).flatMap(([name, one]) => leaves(one, path === '' ? name : `${path}.${name}`))
  return inner.length > 0 ? inner : [[path, JSON.stringify(value)]]
}

/** Every difference in a line of its own: what is new, what is gone, what was exchanged. */
export const differences = (kept: Snapshot, current: Snapshot): string[] => {
  const before = new Map(leaves(kept as unknown as Json, ''))
  const now = new Map(leaves(current as unknown as Json, ''))
  const paths = [...new Set([...before.keys(), ...now.keys()])].toSorted((a, b) => (a < b ? -1 : 1))
  return paths.flatMap((path) => {
    const [was, is] = [before.get(path), now.get(path)]
    if (was === is) return []
    if (was === undefined) return [`+ ${path}: ${is}`]
    return is === undefined ? [`- ${path}: ${was}`] : [`~ ${path}: ${was} -> ${is}`]
  })
}
