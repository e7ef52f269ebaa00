// What a change of a schema means to those who read what it describes, and to those who write it.
import type { Json, Schema } from './contract-snapshot.ts'

export interface Change {
  /** The field it is about, as it is named in code. */
  readonly field: string
  /** From the root: `tasks[].state`. */
  readonly path: string
  /** Readers may meet less than they were promised. */
  readonly weaker: boolean
  /** Writers may send what is no longer taken. */
  readonly stricter: boolean
  /** True when it breaks also those who do not name the field. */
  readonly unasked: boolean
  readonly what: string
}

const objectIn = (value: Json | undefined): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [])

/** A schema without its "or null", and whether it had one. */
const withoutNull = (schema: Schema): { schema: Schema; nullable: boolean } => {
  const choices = listIn(schema['anyOf']).map(objectIn)
  const others = choices.filter(({ type }) => type !== 'null')
  const [only] = others
  if (only && others.length === 1 && choices.length === 2) return { schema: only, nullable: true }
  return { schema, nullable: false }
}

const limits = {
  minimum: 1,
  exclusiveMinimum: 1,
  minLength: 1,
  minItems: 1,
  maximum: -1,
  exclusiveMaximum: -1,
  maxLength: -1,
  maxItems: -1,
}

/** Limits that came closer. Wider ones promise readers nothing less that they could have counted on. */
const closerLimits = (before: Schema, now: Schema): string[] =>
  Object.entries(limits).flatMap(([name, direction]) => {
    const [was, is] = [before[name], now[name]]
    if (typeof is !== 'number') return []
    const closer = typeof was !== 'number' || (is - was) * direction > 0
    return closer && was !== is ? [`${name} is ${is}${typeof was === 'number' ? `, was ${was}` : ''}`] : []
  })

const shape = (schema: Schema): string =>
  JSON.stringify(
    ['type', 'format', 'pattern', 'const', 'anyOf', 'oneOf', 'allOf', 'additionalProperties'].map(
      (name) => schema[name] ?? null,
    ),
  )

type Found = Pick<Change, 'what'> & Partial<Change>

const ofValue = (before: Schema, now: Schema): Found[] => {
  const [was, is] = [withoutNull(before), withoutNull(now)]
  const lost = listIn(was.schema['enum']).filter((one) => is.schema['enum'] && !listIn(is.schema['enum']).includes(one))
  const gained = was.schema['enum']
    ? listIn(is.schema['enum']).filter((one) => !listIn(was.schema['enum']).includes(one))
    : []
  const other =
    shape(was.schema) !== shape(is.schema) || (was.schema['enum'] === undefined) !== (is.schema['enum'] === undefined)
  return [
    ...(other ? [{ what: 'has another type or form', weaker: true, stricter: true }] : []),
    ...(is.nullable && !was.nullable ? [{ what: 'may be null', weaker: true }] : []),
    ...(was.nullable && !is.nullable ? [{ what: 'must not be null', stricter: true }] : []),
    ...(lost.length > 0 ? [{ what: `must not be ${lost.map(String).join(' or ')}`, stricter: true }] : []),
    ...(gained.length > 0 ? [{ what: `may be ${gained.map(String).join(' or ')}`, weaker: true }] : []),
    ...closerLimits(was.schema, is.schema).map((what) => ({ what, stricter: true })),
  ]
}

const nameOf = (path: string): string => path.replaceAll('[]', '').split('.').at(-1) ?? ''

/** All that changed for readers or writers, fields within fields included. */
export const changesBetween = (before: Schema, now: Schema, path = ''): Change[] => {
  const about = (at: string, { what, weaker = false, stricter = false, unasked = false }: Found): Change => ({
    field: nameOf(at),
    path: at,
    what,
    weaker,
    stricter,
    unasked,
  })
  const [was, is] = [withoutNull(before).schema, withoutNull(now).schema]
  const own = ofValue(before, now).map((found) => about(path, found))
  if (was['items'] && is['items'])
    own.push(...changesBetween(objectIn(was['items']), objectIn(is['items']), `${path}[]`))
  const [fields, later] = [objectIn(was['properties']), objectIn(is['properties'])]
  const [needed, neededNow] = [listIn(was['required']), listIn(is['required'])]
  const inner = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const [name, field] of Object.entries(fields)) {
    const at = inner(name)
    if (later[name] === undefined) own.push(about(at, { what: 'is gone', weaker: true, stricter: true }))
    else own.push(...changesBetween(objectIn(field), objectIn(later[name]), at))
    if (later[name] === undefined) continue
    if (needed.includes(name) && !neededNow.includes(name))
      own.push(about(at, { what: 'may be missing', weaker: true }))
    if (!needed.includes(name) && neededNow.includes(name))
      own.push(about(at, { what: 'must be given', stricter: true, unasked: true }))
  }
  const added = Object.keys(later).filter((name) => fields[name] === undefined && neededNow.includes(name))
  return [
    ...own,
    ...added.map((name) => about(inner(name), { what: 'is new and must be given', stricter: true, unasked: true })),
  ]
}
