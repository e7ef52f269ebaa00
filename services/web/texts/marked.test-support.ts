// For tests only: catalogs whose every text is marked, and what of a page's visible text is not.
import type { Texts } from './en.ts'

const [open, close] = ['⟦', '⟧']

/** The catalog with each text between marks. `used` gets the path of each text that is said. */
export const markedCatalog = (catalog: Texts, used: Set<string>): Texts => {
  const mark = (text: string, path: string) => {
    used.add(path)
    return `${open}${text}${close}`
  }
  const marked = (value: unknown, path: string): unknown => {
    if (typeof value === 'function') return (...given: unknown[]) => mark(String(value(...given)), path)
    const parts = Object.entries(value as object).map(([name, inner]) => {
      const inside = path === '' ? name : `${path}.${name}`
      const isText = typeof inner === 'string'
      const get = () => mark(inner as string, inside)
      return [name, isText ? { get, enumerable: true } : { value: marked(inner, inside), enumerable: true }] as const
    })
    return Object.defineProperties({}, Object.fromEntries(parts))
  }
  return marked(catalog, '') as Texts
}

/** The paths of all texts of a catalog. */
export const textPaths = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => textPaths(inner, path ? `${path}.${name}` : name))
    : [path]

/** What stands outside of all marks, which may be within each other. */
const outside = (text: string): string => {
  let depth = 0
  return Array.from(text)
    .filter((sign) => {
      if (sign === open) depth += 1
      const isOutside = depth === 0
      if (sign === close) depth -= 1
      return isOutside
    })
    .join('')
}

/** Attributes that are read out, shown when pointed at, or written into the page by the style sheet or a script. */
const shown = ['aria-label', 'title', 'placeholder', 'alt', 'data-label', 'data-copied']

const token = /<!--[^]*?-->|<!doctype[^>]*>|<(\/?)([a-z][\w-]*)((?:\s+[^\s=>/"]+(?:="[^"]*")?)*)\s*\/?>|[^<]+/gi
const voids = new Set(['meta', 'link', 'input', 'br', 'hr', 'img'])

interface Exempt {
  /** Elements whose text is no text of ours. */
  readonly elements: ReadonlySet<string>
  /** What is left out of a text before it is looked at. */
  readonly patterns: readonly RegExp[]
  /** Whole texts that are no texts of ours where their element says that it is in another language. */
  readonly foreign: ReadonlySet<string>
}

const attributesOf = (written: string): Map<string, string> =>
  new Map([...written.matchAll(/([^\s=]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, value]))

/** Visible texts of a page with letters that no catalog said, each with the element it stands in. */
export const unmarked = (html: string, { elements, patterns, foreign }: Exempt): string[] => {
  const found: string[] = []
  const inside: { name: string; exempt: boolean; isForeign: boolean }[] = []
  const look = (text: string, where: string) => {
    const left = patterns.reduce(
      (rest, pattern) => rest.replaceAll(pattern, ''),
      outside(text.replaceAll(/&\w+;/g, '')),
    )
    if (/\p{L}/u.test(left)) found.push(`${where}: ${text.trim().slice(0, 100)}`)
  }
  for (const [whole, slash, name = '', written = ''] of html.matchAll(token)) {
    const around = inside.at(-1) ?? { exempt: false, isForeign: false }
    if (whole.startsWith('<!')) continue
    if (!whole.startsWith('<')) {
      if (!around.exempt && !(around.isForeign && foreign.has(whole.trim())))
        look(
          whole,
          inside
            .map((one) => one.name)
            .slice(-2)
            .join(' '),
        )
      continue
    }
    if (slash) {
      inside.pop()
      continue
    }
    const attributes = attributesOf(written)
    const isForeign = around.isForeign || (name !== 'html' && attributes.has('lang'))
    const exempt = around.exempt || elements.has(name)
    if (!exempt) for (const one of shown) look(attributes.get(one) ?? '', `${name} ${one}`)
    if (!voids.has(name) && !whole.endsWith('/>')) inside.push({ name, exempt, isForeign })
  }
  return found
}
