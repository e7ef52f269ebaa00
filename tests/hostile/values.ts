// What a field must not hold, by its kind, and what only looks as if it must not.

export interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
}

export interface Field extends Schema {
  readonly name: string
  readonly required: boolean
  readonly in: 'path' | 'query' | 'body'
}

/** The largest id that there can be; nothing of ours has it. */
const unknownId = 2_147_483_647
export const isMark = ({ pattern }: Schema) => pattern !== undefined && pattern.includes('\\w-')

/** A value that is right in itself and names nothing. */
export const rightValue = ({ type, format, enum: choices, minLength = 0, name }: Field): unknown => {
  if (choices) return choices[0]
  if (type === 'integer') return unknownId
  if (type === 'boolean') return true
  if (type === 'array') return [unknownId]
  if (format === 'email') return 'hostile@example.com'
  return `hostile ${name}`.replaceAll(' ', '-').padEnd(minLength, 'x')
}

/** Values in JSON, written out, that no field of this kind may have. */
export const wrongJson = ({
  type,
  enum: choices,
  format,
  minimum,
  maximum,
  minLength = 0,
  maxLength = Infinity,
}: Field): string[] => {
  const always = ['null', '{}', '[[]]', '{"toString":1}', '["a",["b"]]', `${'['.repeat(30_000)}${']'.repeat(30_000)}`]
  if (choices)
    return [
      ...always,
      '""',
      '0',
      'true',
      '"__proto__"',
      '"constructor"',
      `"${String(choices[0]).toUpperCase()}"`,
      '"x\\u0000"',
    ]
  if (type === 'integer') {
    const far = [maximum ?? Number.MAX_SAFE_INTEGER, minimum ?? 0]
    const outside = [
      `${far[0] ?? 0}0`,
      String((far[1] ?? 0) - 1),
      '9007199254740993',
      '1e300',
      '1e999',
      '-1e999',
      '1.5',
      '0.1',
    ]
    return [...always, ...outside, '""', '"1"', '"x"', 'true', 'false', '[1]']
  }
  if (type === 'boolean') return [...always, '0', '1', '""', '"true"', '"false"', '[true]']
  if (type === 'array') {
    const many = `[${Array.from({ length: 501 }, (_, index) => index + 1).join()}]`
    return [
      'null',
      '{}',
      '0',
      '"1"',
      '"[1]"',
      '{"0":1,"length":1}',
      many,
      '[null]',
      '["1"]',
      '[1.5]',
      '[0]',
      '[-1]',
      '[2147483648]',
      '[[1]]',
      '[{}]',
    ]
  }
  const texts = [...always, '0', 'true', '[]', '["x"]', ...(minLength > 0 ? ['""'] : [])]
  if (format === 'email')
    return [
      ...texts,
      '"x"',
      '"a@"',
      '"@b.c"',
      '"a b@c.d"',
      '"a@b@c.d"',
      '"a@b.c\\u0000"',
      '"a@b.c\\r\\nBcc: x@y.z"',
      `"${'a'.repeat(300)}@b.co"`,
    ]
  return Number.isFinite(maxLength)
    ? [...texts, JSON.stringify('x'.repeat(maxLength * 2 + 1)), JSON.stringify('x'.repeat(100_000))]
    : texts
}

/** Texts that PostgreSQL or a careless program could stumble over. Where they are allowed they must do no harm. */
export const trickyTexts = [
  'a\u0000b',
  '\ud800',
  'a\udc00',
  "'; drop table task; --",
  '%',
  '_%\\',
  '\\',
  '${7*7}',
  '<script>',
  '\u202e',
  '😀'.repeat(20),
]

export const wrongInPath = [
  'x',
  '1.5',
  '1e3',
  '-1',
  '0',
  '-0',
  '00x',
  '0x10',
  '%00',
  '2147483648',
  '99999999999999999999',
  '%ff',
  '%c0%ae',
  '1%2f2',
  '%2e%2e',
  'null',
  'NaN',
  '%EF%BC%91',
  '%201',
  '%7B%7D',
  '%5B1%5D',
  '1;x=1',
]

const wrongIntegers = ['', 'x', '1.5', '1e3', '-5', '9'.repeat(20), 'null', '1%2C2', '%EF%BC%91', '%00', '0x10']

export const wrongInQuery = (field: Field): string[] => {
  if (isMark(field)) return ['%21%21', 'a%20b', '%00', 'x'.repeat(201), 'a%2Bb', '%F0%9F%A6%9C']
  if (field.enum) return ['', 'x', 'OPEN', '__proto__', '%00', 'open%20']
  if (field.type === 'integer')
    return [...wrongIntegers, ...((field.maximum ?? 0) < 99_999_999_999 ? ['99999999999'] : [])]
  return ['x'.repeat(1_000)]
}

const mark = (...key: readonly unknown[]) => Buffer.from(JSON.stringify(key)).toString('base64url')
const most = Number.MAX_SAFE_INTEGER
/** Marks that look like ours and are not. */
export const foreignMarks = [
  'AAAA',
  '_',
  mark(),
  mark(null),
  mark('1'),
  mark(-1),
  mark(1.5),
  mark(most, most, most),
  mark(most, 99, -most),
  mark(-most, -99, most),
  mark({}),
  mark([[]]),
  Buffer.from('{"a":1}').toString('base64url'),
  Buffer.from('[1e999,1e999]').toString('base64url'),
]
