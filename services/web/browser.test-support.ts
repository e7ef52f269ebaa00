// For tests only: a browser of a few lines.
import type { Hono } from 'hono'
import type { Person } from './session.ts'

/** Sends requests as a browser would: keeps cookies, sends Origin with forms, follows no redirect by itself. */
export const browserOf = (app: Hono, { origin = 'http://ates.test' } = {}) => {
  const cookies = new Map<string, string>()
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await app.fetch(new Request(new URL(path, origin), { ...init, headers }))
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const [name = '', value = ''] = pair.split('=')
      if (/Max-Age=0/.test(cookie)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  return {
    cookies,
    get: (path: string, headers: Record<string, string> = {}) => send(path, { headers }),
    post: (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      send(path, { method: 'POST', body: new URLSearchParams(fields), headers: { origin, ...headers } }),
    send,
    /** Signs in as this person without the form. */
    as: (person: Person) => cookies.set('ates_session', `session-${person.popugId}`),
  }
}
