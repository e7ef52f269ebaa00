// Hostile requests for a method, made from its contract: every kind of field with every value that it must not have.
import { z } from 'zod'
import type { Method } from '../../kernel/contract.ts'
import {
  type Field,
  foreignMarks,
  isMark,
  rightValue,
  type Schema,
  trickyTexts,
  wrongInPath,
  wrongInQuery,
  wrongJson,
} from './values.ts'

export interface Case {
  readonly what: string
  readonly verb: string
  /** With its query. */
  readonly path: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  /** `refused`: must be a 4xx. `harmless`: may be answered, and must change nothing. */
  readonly expect: 'refused' | 'harmless'
}

const fieldsOf = ({ input, http }: Method): Field[] => {
  const json = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  const properties = (json.properties ?? {}) as Readonly<Record<string, Schema>>
  return Object.entries(properties).map(([name, schema]) => ({
    ...schema,
    name,
    required: json.required?.includes(name) ?? false,
    in: http.includes(`{${name}}`) ? 'path' : http.startsWith('GET') ? 'query' : 'body',
  }))
}

/** `loaded`: a right request without any name of ours in it has an effect, so that none may be right. */
export const casesFor = (method: Method, loaded: boolean): Case[] => {
  const fields = fieldsOf(method)
  const [verb = '', template = ''] = method.http.split(' ')
  const right = Object.fromEntries(
    fields.filter((one) => one.required || one.in === 'path').map((one) => [one.name, rightValue(one)]),
  )

  const pathWith = (changed: Readonly<Record<string, string>> = {}) =>
    template.replaceAll(/\{(\w+)\}/g, (_part, name: string) => changed[name] ?? encodeURIComponent(String(right[name])))
  const inBody = fields.filter((one) => one.in === 'body')
  const inQuery = fields.filter((one) => one.in === 'query')
  const bodyWith = (name: string, json: string | undefined) => {
    const parts = inBody
      .filter((one) => one.name !== name && one.name in right)
      .map((one) => `"${one.name}":${JSON.stringify(right[one.name])}`)
    return `{${[...parts, ...(json === undefined ? [] : [`"${name}":${json}`])].join()}}`
  }
  const queryWith = (pairs: readonly string[], except: readonly string[] = []) => {
    const needed = inQuery.filter((one) => one.name in right && !except.includes(one.name))
    const all = [...needed.map((one) => `${one.name}=${encodeURIComponent(String(right[one.name]))}`), ...pairs]
    return `${pathWith()}${all.length > 0 ? `?${all.join('&')}` : ''}`
  }
  const base =
    verb === 'GET' ? { verb, path: queryWith([]) } : { verb, path: pathWith(), body: bodyWith('', undefined) }

  /** What a method needs in its body; without it an odd body may be a right one. */
  const needsBody = inBody.some((one) => one.required)
  const ofFields = fields.flatMap((field): Case[] => {
    const { name } = field
    if (field.in === 'path')
      return wrongInPath.map((part) => ({
        ...base,
        what: `${name} in the path is ${part}`,
        path: base.path.replace(pathWith(), pathWith({ [name]: part })),
        expect: 'refused',
      }))
    if (field.in === 'query') {
      return [
        ...wrongInQuery(field).map((text): Case => ({
          verb,
          what: `${name}=${text.slice(0, 40)}`,
          path: queryWith([`${name}=${text}`], [name]),
          expect: 'refused',
        })),
        { verb, what: `${name} twice`, path: queryWith([`${name}=1`, `${name}=2`], [name]), expect: 'refused' },
        ...(field.required
          ? [{ verb, what: `${name} is missing`, path: queryWith([], [name]), expect: 'refused' } as const]
          : []),
        ...(isMark(field)
          ? foreignMarks.map((text): Case => ({
              verb,
              what: `${name} is the mark ${text.slice(0, 40)}`,
              path: queryWith([`${name}=${text}`]),
              expect: 'harmless',
            }))
          : []),
        ...(field.type === 'string'
          ? trickyTexts.map((text): Case => ({
              verb,
              what: `${name} is ${JSON.stringify(text)}`,
              path: queryWith([`${name}=${encodeURIComponent(text.toWellFormed())}`], [name]),
              expect: 'harmless',
            }))
          : []),
      ]
    }
    return [
      ...wrongJson(field).map((json): Case => ({
        ...base,
        what: `${name} is ${json.slice(0, 40)}`,
        body: bodyWith(name, json),
        expect: 'refused',
      })),
      ...(field.type === 'string'
        ? trickyTexts.slice(0, 3).map((text): Case => ({
            ...base,
            what: `${name} is ${JSON.stringify(text)}`,
            body: bodyWith(name, JSON.stringify(text)),
            expect: 'harmless',
          }))
        : []),
      ...(field.required
        ? [{ ...base, what: `${name} is missing`, body: bodyWith(name, undefined), expect: 'refused' } as const]
        : []),
    ]
  })

  const bodies: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] =
    verb === 'GET'
      ? []
      : [
          ['cut off', '{'],
          ['cut off in a text', '{"a":"'],
          ['a list', '[]'],
          ['a list of one', '[{}]'],
          ['null', 'null'],
          ['a text', '"text"'],
          ['a number', '5'],
          ['not JSON', 'a=b&c=d'],
          ['two values', '{}{}'],
          ['with a comment', '{/**/}'],
          ['NUL', '\0'],
          ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
          ['nested without end', '{"a":'.repeat(40_000)],
          ['nested deeply in a list', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
          ['ten megabytes', new Uint8Array(10 * 1024 * 1024).fill(0x20)],
        ]
  const strange: readonly (readonly [string, string])[] = needsBody
    ? [
        ['empty', ''],
        ['an empty object', '{}'],
        ['a prototype', `{"__proto__":${bodyWith('', undefined)}}`],
        ['a prototype of a prototype', `{"constructor":{"prototype":${bodyWith('', undefined)}}}`],
        ['its fields in a list', `[${bodyWith('', undefined)}]`],
        ['full of unknown fields', `{${Array.from({ length: 5_000 }, (_, index) => `"a${index}":1`).join()}}`],
      ]
    : []

  return [
    ...ofFields,
    ...[...bodies, ...strange].map(([what, body]): Case => ({
      ...base,
      what: `its body is ${what}`,
      body,
      expect: 'refused',
    })),
    ...['', ' ', 'a b', '\xe9', 'x'.repeat(201)].map((key): Case => ({
      ...base,
      what: `its key is ${JSON.stringify(key.slice(0, 10))}`,
      headers: { 'idempotency-key': key },
      expect: 'refused',
    })),
    ...(loaded ? [] : harmless(base)),
  ]
}

/** Right in all that counts; what is strange about them must not matter. */
const harmless = (base: { verb: string; path: string; body?: string }): Case[] => [
  { ...base, what: 'nothing is wrong but that it names nothing', expect: 'harmless' },
  { ...base, what: 'its deadline is nonsense', headers: { 'x-deadline-ms': '-1e999' }, expect: 'harmless' },
  {
    ...base,
    what: 'its request id is an injection',
    headers: { 'x-request-id': '%0d%0aSet-Cookie: a=b' },
    expect: 'harmless',
  },
  { ...base, what: 'its request id is markup', headers: { 'x-request-id': '<script>"\'`${1}' }, expect: 'harmless' },
  {
    ...base,
    what: 'it says who it is',
    headers: { 'x-actor': '1', 'x-role': 'admin', 'x-forwarded-user': 'admin' },
    expect: 'harmless',
  },
  {
    ...base,
    what: 'unknown parameters',
    path: `${base.path}${base.path.includes('?') ? '&' : '?'}__proto__=1&__proto__=2&constructor=3&a%00b=%ff&=`,
    expect: 'harmless',
  },
]
