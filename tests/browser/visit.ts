// Visits by browser: windows as people have them, each watched for what must not happen, and pictures when a test fails.
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Page, Response } from 'playwright-core'
import { catalogs, type Language, type Texts } from '../../services/web/texts/index.ts'
import { type OpenBrowser, openBrowser } from './browser.ts'
import type { Person } from './office.ts'

export interface Look {
  readonly language?: Language
  readonly theme?: 'light' | 'dark'
  readonly javaScript?: boolean
  readonly phone?: boolean
}

/** One window of one person. */
export interface Visit {
  readonly page: Page
  readonly words: Texts
  readonly language: Language
  readonly javaScript: boolean
  /** POST requests that left it, by path. */
  readonly sent: readonly string[]
  /** Complaints of the browser: of scripts, of the policy for content, of what could not be loaded. */
  readonly troubles: string[]
  /** Goes to a path. */
  go(path: string): Promise<Response | null>
  /** Waits until a text is seen. */
  sees(text: string | RegExp): Promise<void>
}

/** Generous: others may use the machine. */
const limitMs = 30_000

let opened: Promise<OpenBrowser> | undefined
after(async () => (await opened)?.[Symbol.asyncDispose]())

/** How the browser reports an answer that a page got and that the test looks at anyway. */
const refusedAnswer = /^Failed to load resource: the server responded with a status of 4\d\d/

/** What is part of a page; a page itself, and what an enhanced page fetches, may be an error page. */
const isPart = (response: Response): boolean =>
  !['document', 'fetch', 'xhr'].includes(response.request().resourceType())

const watch = (page: Page, troubles: string[], sent: string[]): void => {
  page.on('console', (message) => {
    if (message.type() === 'error' && !refusedAnswer.test(message.text())) troubles.push(message.text())
  })
  page.on('pageerror', (error) => troubles.push(String(error)))
  page.on('response', (response) => {
    if (response.status() >= (isPart(response) ? 400 : 500)) troubles.push(`${response.status()} ${response.url()}`)
  })
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(new URL(request.url()).pathname)
  })
}

const sizes = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

/** The windows of one test. */
export class Windows implements AsyncDisposable {
  private readonly visits: Visit[] = []

  /** Opens a window, signed in as this person. */
  async open(url: string, person: Person | null, look: Look = {}): Promise<Visit> {
    const { language = 'en', theme = 'light', javaScript = true, phone = false } = look
    const { browser } = await (opened ??= openBrowser())
    const context = await browser.newContext({
      baseURL: url,
      locale: language,
      colorScheme: theme,
      javaScriptEnabled: javaScript,
      viewport: phone ? sizes.phone : sizes.desk,
      hasTouch: phone,
    })
    context.setDefaultTimeout(limitMs)
    if (person) await context.addCookies([{ name: 'ates_session', value: encodeURIComponent(person.token), url }])
    const page = await context.newPage()
    const [troubles, sent]: [string[], string[]] = [[], []]
    watch(page, troubles, sent)
    const visit: Visit = {
      page,
      words: catalogs[language],
      language,
      javaScript,
      sent,
      troubles,
      go: (path) => page.goto(path),
      sees: (text) => page.getByText(text).first().waitFor(),
    }
    this.visits.push(visit)
    return visit
  }

  get troubles(): string[] {
    return this.visits.flatMap(({ troubles }) => troubles)
  }

  /** Takes a picture of every window. Gives where they are. */
  async pictures(): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'ates-test-pictures-'))
    const takes = this.visits.map(async ({ page }, index) => {
      const path = join(folder, `window-${index + 1}.png`)
      await page.screenshot({ path, fullPage: true, timeout: 5_000 })
      return path
    })
    const taken = await Promise.allSettled(takes)
    return taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { page } of this.visits) await page.context().close()
  }
}

/** A test in windows, in which no browser may complain about anything. When it fails, it says where the pictures are. */
export const play = (name: string, act: (windows: Windows) => Promise<void>): void => {
  test(name, { timeout: 120_000 }, async (t) => {
    await using windows = new Windows()
    try {
      await act(windows)
      assert.deepEqual(windows.troubles, [])
    } catch (error) {
      for (const path of await windows.pictures()) t.diagnostic(`picture: ${path}`)
      throw error
    }
  })
}
