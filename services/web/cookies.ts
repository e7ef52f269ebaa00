// The cookies: session, flash message, language, theme, and when somebody was here before (last-visit.ts).
import type { Refusal } from '../../kernel/result.ts'
import type { Texts } from './texts/index.ts'
import { detailOf } from './texts/refusals.ts'

export type Theme = 'system' | 'light' | 'dark'
export const themes: readonly Theme[] = ['system', 'light', 'dark']

type Flashes = Texts['flash']

/** What the page before achieved: which text of the catalog, and what stands in it. */
type Done = { [Is in keyof Flashes]: { readonly is: Is } & Parameters<Flashes[Is]>[0] }[keyof Flashes]

/** A refusal that the page before met, with its code and detail. */
export interface RefusedFlash {
  readonly is: 'refused'
  readonly refused: string
  readonly [detail: string]: string
}

/** A message for the next page. */
export type Flash = Done | RefusedFlash

export const languageCookieName = 'ates_language'
export const themeCookieName = 'ates_theme'
export const flashCookieName = 'ates_flash'
const yearSeconds = 365 * 24 * 3600

/** Browsers accept a name with this prefix only over TLS, for the whole host and never from a sibling domain. */
export const sessionCookieName = (secure: boolean): string => (secure ? '__Host-ates_session' : 'ates_session')

/** The value of a cookie as it was sent, or null. */
export const cookieOf = (request: Request, name: string): string | null => {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return null
}

interface CookieOptions {
  readonly secure: boolean
  readonly maxAgeSeconds: number
}

const setCookie = (name: string, value: string, { secure, maxAgeSeconds }: CookieOptions): string =>
  `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** The session's token, or null when there is none that could be one. */
export const sessionTokenOf = (request: Request, secure: boolean): string | null => {
  const value = cookieOf(request, sessionCookieName(secure))
  if (!value || value.length > 600) return null
  try {
    const token = decodeURIComponent(value)
    return token.length <= 200 ? token : null
  } catch {
    return null
  }
}

export const sessionCookie = (token: string, expiresAt: Date, now: Date, secure: boolean): string =>
  setCookie(sessionCookieName(secure), encodeURIComponent(token), {
    secure,
    maxAgeSeconds: (expiresAt.getTime() - now.getTime()) / 1000,
  })

export const endSessionCookie = (secure: boolean): string =>
  setCookie(sessionCookieName(secure), '', { secure, maxAgeSeconds: 0 })

/** Kept for a year after it was set last. */
export const lastingCookie = (name: string, value: string, secure: boolean): string =>
  setCookie(name, value, { secure, maxAgeSeconds: yearSeconds })

export const flashCookie = (flash: Flash, secure: boolean): string =>
  setCookie(flashCookieName, Buffer.from(JSON.stringify(flash)).toString('base64url'), { secure, maxAgeSeconds: 60 })

export const endFlashCookie = (secure: boolean): string => setCookie(flashCookieName, '', { secure, maxAgeSeconds: 0 })

/** The message that the page before left, or null when there is none that the catalog knows. */
export const flashOf = (request: Request, texts: Texts): Flash | null => {
  const value = cookieOf(request, flashCookieName)
  if (!value || value.length > 2_000) return null
  try {
    const flash: unknown = JSON.parse(Buffer.from(value, 'base64url').toString())
    if (typeof flash !== 'object' || flash === null || !Object.values(flash).every((each) => typeof each === 'string'))
      return null
    const { is } = flash as Flash
    return is === 'refused' || Object.hasOwn(texts.flash, is) ? (flash as Flash) : null
  } catch {
    return null
  }
}

export const themeOf = (request: Request): Theme => {
  const value = cookieOf(request, themeCookieName)
  return themes.find((theme) => theme === value) ?? 'system'
}

/** A refusal as a message for the next page. */
export const refusedFlash = (refusal: Refusal): RefusedFlash => ({
  ...detailOf(refusal),
  is: 'refused',
  refused: refusal.refused,
})
