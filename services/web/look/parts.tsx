// Small parts that several pages show: amounts, moments, notices, empty states and page links.
import type { ComponentChildren } from 'preact'
import { programsWords } from '../texts/sayings.ts'
import type { Visit } from '../visit.tsx'

interface MovementProps {
  readonly visit: Visit
  readonly cents: number
  /** Whose account; the reader's own unless said. */
  readonly of?: 'reader' | 'popug'
}

/** An amount that leaves or reaches the account: sign and word say which, colour only repeats it. */
export const Movement = ({ visit, cents, of = 'reader' }: MovementProps) => {
  const { money } = visit.texts
  const [out, into] = of === 'reader' ? [money.out, money.in] : [money.outOfPopug, money.inToPopug]
  return (
    <span class={cents < 0 ? 'amount out' : 'amount in'}>
      <span class="sr">{cents < 0 ? out : into} </span>
      {visit.formats.signedMoney(cents)}
    </span>
  )
}

/** A task's number, which leads to its page. */
export const TaskNumber = ({ taskId }: { taskId: number }) => (
  <a class="number plain" href={`/tasks/${taskId}`}>
    #{taskId}
  </a>
)

const asksFor = (address: string) => ({
  'hx-get': address,
  'hx-swap': 'outerMorph',
  'hx-status:5xx': 'swap:none',
})

/** A part of a page that asks for itself while it changes; morphing keeps the focus and a half-pressed button. */
export const liveFrom = (address: string, seconds = 1) => ({
  ...asksFor(address),
  'hx-trigger': `every ${seconds}s`,
  'hx-sync': 'this:drop',
})

/** A part that asks for itself when a hint of these topics comes (enhance.js), and every so often while something is pending. */
export const followedFrom = (address: string, topics: string, isPending = false, seconds = 1) => ({
  ...asksFor(address),
  'hx-trigger': isPending ? `hint, every ${seconds}s` : 'hint',
  // The answer under way may have been written before what is hinted at: the part asks once more after it.
  'hx-sync': 'this:queue last',
  'data-live': topics,
})

export const When = ({ visit, at, format = 'moment' }: { visit: Visit; at: string; format?: 'moment' | 'time' }) => (
  <time datetime={at} title={visit.formats.fullMoment(at)}>
    {visit.formats[format](at)}
  </time>
)

interface SaidProps {
  /** As a service said it, in English. */
  readonly given: string
  /** The same in words of the catalog, or as it was given where the catalog has none. */
  readonly said: string
  readonly class?: string
}

/** What a service said; what of it is not in the reader's language, but in that of a program, is marked as English. */
export const Said = ({ given, said, class: look }: SaidProps) => {
  const english = said === given ? said : programsWords(given, said)
  if (english === '' || english === said)
    return (
      <span class={look} lang={english === '' ? undefined : 'en'}>
        {said}
      </span>
    )
  return (
    <span class={look}>
      {said.slice(0, -english.length)}
      <span lang="en">{english}</span>
    </span>
  )
}

/** Something that the reader should know about the page, such as a part that is missing. */
export const Notice = ({ children }: { children: ComponentChildren }) => (
  <p class="notice" role="note">
    {children}
  </p>
)

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
)

interface PageLinksProps {
  readonly visit: Visit
  /** The list's own address where this is a part of another page. */
  readonly path?: string
  /** The place of the next page, or null on the last. */
  readonly next: string | null
  readonly nextText?: string
  readonly firstText?: string
}

/** Links of a keyset-paged list; all other parameters of the address stay. */
export const PageLinks = ({ visit, path = visit.url.pathname, next, nextText, firstText }: PageLinksProps) => {
  const { pages } = visit.texts
  const isFirst = !visit.query.has('after') && !visit.query.has('line')
  if (isFirst && next === null) return null
  return (
    <nav class="pages" aria-label={pages.label}>
      {!isFirst && <a href={addressWith(path, visit, null)}>{firstText ?? pages.first}</a>}
      {next !== null && (
        <a href={addressWith(path, visit, next)} rel="next">
          {nextText ?? pages.next}
        </a>
      )}
    </nav>
  )
}

const addressWith = (path: string, { query }: Visit, after: string | null): string => {
  const parameters = new URLSearchParams(
    [...query].filter(([name, value]) => !['after', 'line'].includes(name) && value !== ''),
  )
  if (after !== null) parameters.set('after', after)
  return parameters.size > 0 ? `${path}?${parameters}` : path
}

/** Beyond this a description would push everything else off the screen. */
const maxShown = 240
const excerptLength = 160

/** A task's text; a long one is folded, and opens without a script. */
export const Description = ({ visit, text }: { visit: Visit; text: string }) => {
  if (text.length <= maxShown) return <span class="description">{text}</span>
  const { more, less } = visit.texts.layout
  return (
    <details class="description folded">
      <summary>
        <span class="excerpt">{excerptOf(text)}… </span>
        <span class="more">{more}</span>
        <span class="less">{less}</span>
      </summary>
      {text}
    </details>
  )
}

/** Cut between words where there are any, and never inside a character. */
const excerptOf = (text: string): string => {
  const start = text.slice(0, excerptLength)
  const end = start.search(/\s\S*$/)
  return (end > excerptLength / 2 ? start.slice(0, end) : start).replace(/[\uD800-\uDBFF]$/, '')
}
