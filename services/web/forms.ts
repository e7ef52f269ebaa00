// What a browser sent in a form or a query string: read strictly, so that damaged input is a 4xx and never something else.
import type { z } from 'zod'
import { Problem } from './problem.ts'

export const maxFormBytes = 64 * 1024
const maxFields = 200

/** All fields that a password is typed into. What is in them is written into no page, whatever becomes of the form. */
export const passwordNames = ['password', 'current'] as const

/** A form as it was sent. */
export interface Form {
  readonly path: string
  readonly fields: ReadonlyMap<string, string>
  /** Makes the command of this form have its effect once, however often the form is sent. */
  readonly key: string
  /** A field's text, with ends of lines as one character; empty when it was not sent. */
  text(name: string): string
}

/** Reads `application/x-www-form-urlencoded`. Throws `Problem` for anything that no browser sends. */
export const readForm = async (request: Request, path: string): Promise<Form> => {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') throw new Problem('wrongType')
  const fields = decodeFields(asUtf8(await request.arrayBuffer()))
  const key = fields.get('key') ?? ''
  return {
    path,
    fields,
    key: isKey(key) ? key : crypto.randomUUID(),
    text: (name) => (fields.get(name) ?? '').replaceAll('\r\n', '\n'),
  }
}

const isKey = (key: string): boolean => /^[\w-]{8,100}$/.test(key)

const asUtf8 = (bytes: ArrayBuffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('badRequest')
  }
}

/** Decodes `a=1&b=2`; of a repeated name the last counts. Throws `Problem` where escapes are not UTF-8 or there are too many fields. */
export const decodeFields = (encoded: string): ReadonlyMap<string, string> => {
  const pairs = encoded.split('&').filter((pair) => pair !== '')
  if (pairs.length > maxFields) throw new Problem('badRequest')
  try {
    return new Map(
      pairs.map((pair) => [decode(pair.split('=', 1)[0] ?? ''), decode(pair.slice(pair.split('=', 1)[0]!.length + 1))]),
    )
  } catch {
    throw new Problem('badRequest')
  }
}

const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '))

/** The names of fields that are not as they must be. */
export type Wrong<Field extends string = string> = ReadonlySet<Field>

export type Checked<Value, Field extends string> = { readonly value: Value } | { readonly wrong: Wrong<Field> }

/** Checks fields by a contract's own schema, so that pages and services agree on what is right. */
export const check = <Schema extends z.core.$ZodType, Field extends keyof z.input<Schema> & string>(
  schema: Schema & { safeParse(data: unknown): z.ZodSafeParseResult<z.output<Schema>> },
  fields: Readonly<Record<Field, unknown>>,
): Checked<z.output<Schema>, Field> => {
  const result = schema.safeParse(fields)
  if (result.success) return { value: result.data }
  return { wrong: new Set(result.error.issues.map((issue) => String(issue.path[0]) as Field)) }
}

/** A number of a person, task or job from an address; null when it cannot be one. */
export const idFrom = (digits: string): number | null => {
  if (!/^[1-9]\d{0,9}$/.test(digits)) return null
  const id = Number(digits)
  return id <= 2_147_483_647 ? id : null
}

/** Where to go after an action: a path of this site, never another site. */
export const localPath = (wanted: string | undefined): string => {
  if (!wanted || wanted.length > 1_000 || !wanted.startsWith('/')) return '/'
  const here = 'http://here.invalid'
  if (!URL.canParse(wanted, here)) return '/'
  const url = new URL(wanted, here)
  // Without its dots a path may begin with two slashes, which a browser takes for another site.
  return url.origin === here && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : '/'
}
