// A person at the web application: follows pages and forms as a browser without JavaScript does.
export interface Page {
  readonly status: number
  readonly text: string
  /** Where it ended after redirects. */
  readonly path: string
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

const unescape = (html: string) =>
  html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

/** The hidden fields of the form that posts to an address. */
const hiddenFields = (html: string, action: string): Record<string, string> => {
  const form = html
    .split('<form')
    .find((part) => part.includes(`action="${action}"`))
    ?.split('</form>')[0]
  if (!form) throw new Error(`no form to ${action} in ${html.slice(0, 500)}`)
  const inputs = form.match(/<input[^>]*type="hidden"[^>]*>/g) ?? []
  return Object.fromEntries(
    inputs.map((input) => [
      /name="([^"]*)"/.exec(input)?.[1] ?? '',
      unescape(/value="([^"]*)"/.exec(input)?.[1] ?? ''),
    ]),
  )
}

export class Visitor {
  private readonly origin: string
  private readonly cookies = new Map<string, string>()

  constructor(origin: string) {
    this.origin = origin
  }

  private async send(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { origin: this.origin, cookie, ...(init.headers as Record<string, string>) }
    const response = await fetch(`${this.origin}${path}`, { ...init, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      const at = pair.indexOf('=')
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  private async follow(path: string, init?: RequestInit, hops = 0): Promise<Page> {
    const response = await this.send(path, init)
    const location = response.headers.get('location')
    const text = await response.text()
    if (response.status >= 300 && response.status < 400 && location && hops < 5)
      return this.follow(location, {}, hops + 1)
    return { status: response.status, text: unescape(text), path }
  }

  page(path: string): Promise<Page> {
    return this.follow(path)
  }

  /** Fills in a form on a page and sends it. */
  async submit(path: string, action: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    const hidden = hiddenFields(await (await this.send(path)).text(), action)
    return this.follow(action, { method: 'POST', body: new URLSearchParams({ ...hidden, ...fields }) })
  }

  async api(method: string, path: string, body?: object): Promise<Answer> {
    const content = body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}
    const response = await this.send(`/api/v1${path}`, { method, ...content })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
}
