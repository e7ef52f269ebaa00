// Reads SQL as far as rules need it: words with their depth in parentheses, the tables that are named, and stars.

export interface Token {
  /** Words in lower case; quoted names without quotes; strings with theirs. */
  readonly text: string
  readonly kind: 'word' | 'quoted' | 'string' | 'placeholder' | 'mark'
  readonly index: number
  readonly depth: number
}

const pattern =
  /(?<skip>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^']|'')*'|\$\$[\s\S]*?\$\$)|(?<quoted>"[^"]*")|(?<placeholder>\$\{\})|(?<word>[\w$]+)|(?<mark>.)/gu

export const tokensOf = (sql: string): Token[] => {
  const tokens: Token[] = []
  let depth = 0
  for (const { 0: text, index, groups = {} } of sql.matchAll(pattern)) {
    if (groups['skip'] !== undefined) continue
    if (text === ')') depth -= 1
    const kind = (['string', 'quoted', 'placeholder', 'word'] as const).find((name) => groups[name] !== undefined)
    tokens.push({ text: shown(text, kind), kind: kind ?? 'mark', index, depth })
    if (text === '(') depth += 1
  }
  return tokens
}

const shown = (text: string, kind: Token['kind'] | undefined): string => {
  if (kind === 'quoted') return text.slice(1, -1)
  return kind === 'word' ? text.toLowerCase() : text
}

/** A place in a statement that names where rows are or come from. */
export interface Source {
  /** `schema.table`, a name, or `${}`. */
  readonly name: string
  readonly isCall: boolean
  readonly token: Token
  /** The word before it: from, join, into, update... */
  readonly after: string
}

const openers = ['from', 'join', 'into', 'update', 'table', 'truncate', 'using']
const fillers = ['only', 'lateral', 'if', 'not', 'exists', 'table']
/** Functions in which `from` stands between arguments. */
const functionsWithFrom = ['extract', 'substring', 'trim', 'overlay', 'position']
/** What ends a list of sources. */
const ends = [
  'where',
  'on',
  'set',
  'group',
  'order',
  'having',
  'limit',
  'for',
  'union',
  'returning',
  'select',
  'values',
  ';',
]

const isIdiom = (tokens: readonly Token[], place: number): boolean => {
  const [word, before] = [tokens[place]?.text, tokens[place - 1]?.text ?? '']
  if (word === 'from') return before === 'distinct' || functionsWithFrom.includes(functionAround(tokens, place))
  if (word === 'update') return ['for', 'key', 'do', 'on', 'before', 'after', 'or'].includes(before)
  return word === 'using' && tokens[place + 1]?.text === '('
}

/** The word before the parenthesis that is open at this place. */
const functionAround = (tokens: readonly Token[], place: number): string => {
  const depth = tokens[place]?.depth ?? 0
  const open = tokens.slice(0, place).findLastIndex(({ text, depth: at }) => text === '(' && at === depth - 1)
  return tokens[open - 1]?.text ?? ''
}

const sourceAt = (tokens: readonly Token[], place: number, after: string): Source[] => {
  let at = place
  while (fillers.includes(tokens[at]?.text ?? '')) at += 1
  const token = tokens[at]
  if (!token || token.text === '(') return []
  const dotted = tokens[at + 1]?.text === '.'
  const name = dotted ? `${token.text}.${tokens[at + 2]?.text ?? ''}` : token.text
  return [{ name, isCall: tokens[at + (dotted ? 3 : 1)]?.text === '(' && after !== 'into', token, after }]
}

/** Sources after a comma: `from a, b`. */
const furtherSources = (tokens: readonly Token[], place: number): Source[] => {
  const depth = tokens[place]?.depth ?? 0
  const rest = tokens.slice(place + 1)
  const end = rest.findIndex((one) => one.depth < depth || (one.depth === depth && ends.includes(one.text)))
  return rest
    .slice(0, end < 0 ? rest.length : end)
    .flatMap((one, offset) =>
      one.text === ',' && one.depth === depth ? sourceAt(tokens, place + offset + 2, ',') : [],
    )
}

export const sourcesIn = (tokens: readonly Token[]): Source[] =>
  tokens.flatMap(({ text, kind }, place) => {
    if (kind !== 'word' || !openers.includes(text) || isIdiom(tokens, place)) return []
    const first = sourceAt(tokens, place + 1, text)
    return text === 'from' ? [...first, ...furtherSources(tokens, place)] : first
  })

const begins = ['select', 'insert', 'update', 'delete', 'with', 'values', 'merge']

/** Names that the statement gives to its own parts: `with name as (select ...)`. */
export const partsOf = (tokens: readonly Token[]): Set<string> => {
  const names = tokens.flatMap(({ text }, place) => {
    if (text !== 'as') return []
    const open = tokens.findIndex((one, at) => at > place && !['not', 'materialized'].includes(one.text))
    if (tokens[open]?.text !== '(' || !begins.includes(tokens[open + 1]?.text ?? '')) return []
    const before = tokens[place - 1]
    if (before?.text !== ')') return before?.text ?? []
    const columns = tokens.slice(0, place - 1).findLastIndex((one) => one.text === '(' && one.depth === before.depth)
    return tokens[columns - 1]?.text ?? []
  })
  return new Set(names)
}

/** A star in the place of columns: `select *`, `select a, *`, `returning o.*`; not `count(*)`, not `a * b`. */
export interface Star {
  readonly token: Token
  readonly of: 'select' | 'returning'
  /** Whether it stays inside the statement. */
  readonly isInner: boolean
  readonly sources: readonly Source[]
}

export const starsIn = (tokens: readonly Token[]): Star[] =>
  tokens.flatMap((token, place): Star[] => {
    const before = tokens[place - 1]?.text ?? ''
    if (token.text !== '*' || !['select', 'returning', 'distinct', 'all', ',', '.'].includes(before)) return []
    const list = tokens
      .slice(0, place)
      .findLast(({ text, depth }) => depth === token.depth && /^(?:select|returning)$/.test(text))
    const rest = tokens.slice(place + 1)
    const end = rest.findIndex(({ text, depth }) => depth < token.depth || (depth === token.depth && text === 'union'))
    const own = rest
      .slice(0, end < 0 ? rest.length : end)
      .map((one) => (one.depth === token.depth ? one : { ...one, kind: 'mark' as const }))
    return [
      {
        token,
        of: list?.text === 'returning' ? 'returning' : 'select',
        isInner: token.depth > 0,
        sources: sourcesIn(own),
      },
    ]
  })
