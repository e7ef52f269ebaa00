// One request as a page sees it: who asks, in which language, how to call the services and how to answer.
import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { z } from 'zod'
import type { Caller, StandardRefusal } from '../../kernel/caller.ts'
import type { Actor, Method, Output, RefusalCode } from '../../kernel/contract.ts'
import type { Client, Log } from '../../kernel/ports.ts'
import { Fault, isRefusal, type Outcome, type Refusal } from '../../kernel/result.ts'
import type { Role } from '../vocabulary.ts'
import type { Assets } from './assets.ts'
import {
  cookieOf,
  endFlashCookie,
  flashCookie,
  flashCookieName,
  flashOf,
  languageCookieName,
  refusedFlash,
  themeOf,
  type Flash,
  type Theme,
} from './cookies.ts'
import { formatsOf, type Formats } from './format.ts'
import { decodeFields } from './forms.ts'
import type { Live } from './live.ts'
import { Document } from './look/layout.tsx'
import { Refused } from './problem.ts'
import type { PublicMethods } from './public-method.ts'
import { asService, type Person, type SignedIn } from './session.ts'
import type { Watch } from './watch.ts'
import { catalogs, isLanguage, preferredLanguage, type Language, type Texts } from './texts/index.ts'

/** Somebody of a demo, whom the sign-in page lets in by one press. */
export interface Visitor {
  readonly role: Role
  readonly name: string
  readonly email: string
  readonly password: string
}

export interface WebDeps {
  /** Typed calls to the services. */
  readonly call: Caller
  readonly log: Log
  /** The business time zone, an IANA name. */
  readonly timeZone: string
  /** True when served under TLS. */
  readonly secure: boolean
  /** Whose address a request comes from, by that of its connection and by its X-Forwarded-For. */
  readonly addressOf?: (remoteAddress: string, forwardedFor: string | null) => string
  /** The address that people use, where it is configured; otherwise the one of each request. */
  readonly publicUrl?: string | undefined
  readonly now: () => Date
  /** The texts by language; those of aTES unless given. */
  readonly catalogs?: Readonly<Record<Language, Texts>>
  /** Set in a demo only. */
  readonly visitors?: () => readonly Visitor[]
  /** What the public API offers, as the services publish it. */
  readonly publicMethods: () => Promise<PublicMethods>
  /** Tells open pages that something has changed. */
  readonly live: Live
  /** Of this process, for calls to services of other processes. No service watches web, so its pages say it themselves. */
  readonly breakers: () => Readonly<Record<string, 'closed' | 'half-open' | 'open'>>
}

export interface How {
  readonly key?: string
  readonly timeoutMs?: number
}

type Ask = <M extends Method>(
  method: M,
  input: z.input<M['input']>,
  how?: How,
) => Promise<Outcome<Output<M>, RefusalCode<M> | StandardRefusal>>

export interface PageOptions {
  readonly status?: number
  /** Shown narrow and alone, as before sign-in. */
  readonly plain?: boolean
  readonly cookies?: readonly string[]
}

export interface Visit {
  readonly request: Request
  readonly url: URL
  readonly query: ReadonlyMap<string, string>
  /** Parts of the path by their names in the route. */
  readonly param: (name: string) => string
  readonly requestId: string
  readonly person: Person | null
  readonly language: Language
  readonly texts: Texts
  readonly formats: Formats
  readonly theme: Theme
  readonly flash: Flash | null
  /** What an administrator should hear on every page. */
  readonly watch: Watch | null
  readonly now: Date
  readonly secure: boolean
  /** Where the request came from, for what is written down about sessions. */
  readonly client: Client
  readonly deps: WebDeps
  readonly assets: Assets
  /** Calls a method as the services among themselves, for what happens before sign-in. */
  readonly callAsService: Ask
  page(title: string, content: ComponentChildren, options?: PageOptions): Response
  /** A part of a page, for an enhancement that exchanges only that. */
  fragment(content: ComponentChildren, cookies?: readonly string[]): Response
  /** Ends a POST: the browser goes to `path` and shows the message there. */
  seeOther(path: string, flash?: Flash | null, cookies?: readonly string[]): Response
}

/** A visit by a signed-in person. */
export interface Member extends Visit {
  readonly person: Person
  /** Calls a method as this person. */
  readonly call: Ask
  /** As `call`, for what should not be refused: a refusal becomes an error page. */
  readonly need: <M extends Method>(method: M, input: z.input<M['input']>) => Promise<Output<M>>
  /** As `call`, for what the page can do without: null when the service is out of reach or says no. */
  readonly want: <M extends Method>(method: M, input: z.input<M['input']>) => Promise<Output<M> | null>
}

/** How long a page waits for what it can do without. */
const optionalTimeoutMs = 1_500

export interface VisitParts {
  readonly deps: WebDeps
  readonly assets: Assets
  readonly request: Request
  readonly requestId: string
  readonly remoteAddress: string
  readonly param: (name: string) => string
  readonly watch?: Watch | null
}

/** A visit of whoever it is; `memberOf` makes it one of a signed-in person. Throws `Problem` for a damaged query string. */
export const visitOf = (parts: VisitParts, signedIn: SignedIn | null): Visit => {
  const { deps, assets, request, requestId, param, watch = null } = parts
  const url = new URL(request.url)
  const chosen = cookieOf(request, languageCookieName)
  const language = isLanguage(chosen) ? chosen : preferredLanguage(request.headers.get('accept-language') ?? undefined)
  const texts = (deps.catalogs ?? catalogs)[language]
  const now = deps.now()
  const visit: Visit = {
    request,
    url,
    query: decodeFields(url.search.slice(1)),
    param,
    requestId,
    person: signedIn?.person ?? null,
    language,
    texts,
    formats: formatsOf(language, deps.timeZone, now),
    theme: themeOf(request),
    flash: flashOf(request, texts),
    watch,
    now,
    secure: deps.secure,
    client: clientOf(parts),
    deps,
    assets,
    callAsService: ask(deps.call, asService, requestId),
    page: (title, content, options = {}) => {
      const view = (
        <Document visit={visit} title={title} plain={options.plain ?? false}>
          {content}
        </Document>
      )
      const spent = cookieOf(request, flashCookieName) === null ? [] : [endFlashCookie(deps.secure)]
      return html(`<!doctype html>${renderToString(view)}`, options.status ?? 200, [
        ...spent,
        ...(options.cookies ?? []),
      ])
    },
    fragment: (content, cookies = []) => html(renderToString(<>{content}</>), 200, cookies),
    seeOther: (path, flash, cookies = []) =>
      withCookies(new Response(null, { status: 303, headers: { location: path } }), [
        ...(flash ? [flashCookie(flash, deps.secure)] : []),
        ...cookies,
      ]),
  }
  return visit
}

const clientOf = ({ deps, request: { headers }, remoteAddress }: VisitParts): Client => ({
  address: deps.addressOf?.(remoteAddress, headers.get('x-forwarded-for')) ?? remoteAddress,
  userAgent: (headers.get('user-agent') ?? '').slice(0, 300),
})

export const memberOf = (visit: Visit, { actor, person }: SignedIn): Member => {
  const { deps, requestId } = visit
  const call = ask(deps.call, actor, requestId)
  return {
    ...visit,
    person,
    call,
    need: async (method, input) => {
      const outcome = await call(method, input)
      if (isRefusal(outcome)) throw new Refused(method, outcome)
      return outcome.ok
    },
    want: async (method, input) => {
      try {
        const outcome = await call(method, input, { timeoutMs: optionalTimeoutMs })
        return isRefusal(outcome) ? null : outcome.ok
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        deps.log.warn({ err: error, requestId, method: method.name }, 'page shown without an optional part')
        return null
      }
    },
  }
}

/** Says a refusal on the page where the button was; what does not exist has no such page and is a 404. */
export const turnDown = (visit: Visit, path: string, method: Method, refusal: Refusal): Response => {
  const refused = new Refused(method, refusal)
  if (refused.status === 404) throw refused
  return visit.seeOther(path, refusedFlash(refusal))
}

const ask =
  (call: Caller, actor: Actor, requestId: string): Ask =>
  (method, input, how = {}) =>
    call(method, input, {
      actor,
      requestId,
      ...(how.key === undefined ? {} : { idempotencyKey: how.key }),
      ...(how.timeoutMs === undefined ? {} : { timeoutMs: how.timeoutMs }),
    })

const html = (text: string, status: number, cookies: readonly string[]): Response =>
  withCookies(new Response(text, { status, headers: { 'content-type': 'text/html; charset=utf-8' } }), cookies)

const withCookies = (response: Response, cookies: readonly string[]): Response => {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
