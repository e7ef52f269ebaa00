// The web application: every request becomes a visit, finds its page, and any trouble becomes a page, too.
import { Hono, type Context } from 'hono'
import { compress } from 'hono/compress'
import { isRequestId } from '../../kernel/contract.ts'
import { readAssets, type Assets } from './assets.ts'
import { readForm, type Form } from './forms.ts'
import { accountPage } from './pages/account.tsx'
import { accountsPage } from './pages/accounts.tsx'
import { allTasksPage } from './pages/all-tasks.tsx'
import { failurePage, type Sent } from './pages/failure.tsx'
import { firstRunPage } from './pages/first-run.tsx'
import { guidePage } from './pages/guide.tsx'
import { invitationPage } from './pages/invitation.tsx'
import { mePage } from './pages/me.tsx'
import { myTasksPage } from './pages/my-tasks.tsx'
import { operationsActsPage } from './pages/operations-acts.tsx'
import { operationsConsumerPage } from './pages/operations-consumer.tsx'
import { operationsRedeliveryPage } from './pages/operations-redelivery.tsx'
import { operationsFindingsPage } from './pages/operations-findings.tsx'
import { operationsParkedPage } from './pages/operations-parked.tsx'
import { operationsRunbookPage } from './pages/operations-runbook.tsx'
import { operationsPage } from './pages/operations.tsx'
import { peoplePage } from './pages/people.tsx'
import { preferencesPage } from './pages/preferences.ts'
import { reassignPage } from './pages/reassign.tsx'
import { securityLogPage } from './pages/security-log.tsx'
import { signInPage } from './pages/sign-in.tsx'
import { taskPage } from './pages/task.tsx'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'
import { formLimit, headers, sameOrigin } from './security.ts'
import { sessionOf, type SignedIn } from './session.ts'
import { type Watch, watchOf } from './watch.ts'
import { memberOf, visitOf, type Visit, type WebDeps } from './visit.tsx'

export type { WebDeps } from './visit.tsx'

/** All routes, for the application and for tests that go through them. */
export const routes: readonly Route[] = [
  ...signInPage,
  ...firstRunPage,
  ...invitationPage,
  ...preferencesPage,
  ...myTasksPage,
  ...mePage,
  ...allTasksPage,
  ...taskPage,
  ...reassignPage,
  ...accountPage,
  ...accountsPage,
  ...peoplePage,
  ...securityLogPage,
  ...operationsPage,
  ...operationsActsPage,
  ...operationsParkedPage,
  ...operationsConsumerPage,
  ...operationsRedeliveryPage,
  ...operationsFindingsPage,
  ...operationsRunbookPage,
  ...guidePage,
]

/** Answers every address below `/`; what it does not know is a 404 page. Mount anything else before it. */
export const createWeb = (deps: WebDeps): Hono => {
  const assets = readAssets()
  const app = new Hono()
  app.get('/assets/*', headers(deps.secure), async (c) => {
    const answer = await assets.answer(c.req.path, c.req.raw)
    return answer ?? c.text('not found', 404, { 'cache-control': 'no-store' })
  })
  app.use(compress(), headers(deps.secure), async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
    c.header('x-request-id', requestIdOf(c))
  })
  app.use(sameOrigin(deps.secure), formLimit)
  app.get('/live', async (c) => {
    const signedIn = await sessionOf(deps, c.req.raw, requestIdOf(c))
    if (signedIn === null) return c.body(null, 401)
    return deps.live.answer(signedIn.person, async () => (await sessionOf(deps, c.req.raw)) !== null)
  })
  for (const route of routes) {
    app.on(route.verb, route.path, (c) => serve({ deps, assets, c, route }))
  }
  app.notFound((c) => fail({ deps, assets, c }, new Problem('notFound'), null))
  app.onError((error, c) => fail({ deps, assets, c }, error, null))
  return app
}

interface Serving {
  readonly deps: WebDeps
  readonly assets: Assets
  readonly c: Context
}

const serve = async ({ route, ...serving }: Serving & { route: Route }): Promise<Response> => {
  const { c, deps } = serving
  let form: Form | null = null
  try {
    // First of all, so that it is kept also when nobody can say whose it is.
    form = route.verb === 'POST' ? await readForm(c.req.raw, c.req.path) : noForm
    const signedIn = await sessionOf(deps, c.req.raw, requestIdOf(c))
    const watch = signedIn === null ? null : await watchOf(deps, signedIn, requestIdOf(c))
    const visit = visitFor(serving, signedIn, watch)
    if (route.allow === 'anybody') return finish(c, await route.answer(visit, form))
    if (signedIn === null) return toSignIn(visit, c)
    if (!route.allow.includes(signedIn.person.role)) throw new Problem('forbidden')
    return finish(c, await route.answer(memberOf(visit, signedIn), form))
  } catch (error) {
    return await fail(serving, error, form === noForm || form === null ? null : { form, passwords: route.passwords })
  }
}

const noForm: Form = { path: '', fields: new Map(), key: '', text: () => '' }

/** The server's word on the connection; a test without one has none. */
const remoteOf = (c: Context): string => {
  const { remoteAddress = '' }: { remoteAddress?: string } = c.env ?? {}
  return remoteAddress
}

const visitFor = ({ deps, assets, c }: Serving, signedIn: SignedIn | null, watch: Watch | null): Visit =>
  visitOf(
    {
      deps,
      assets,
      request: c.req.raw,
      requestId: requestIdOf(c),
      remoteAddress: remoteOf(c),
      param: (name) => c.req.param(name) ?? '',
      watch,
    },
    signedIn,
  )

/** Turns whatever was thrown into a page, in the reader's language and with their navigation where these can be known. */
const fail = async (serving: Serving, error: unknown, sent: Sent | null): Promise<Response> => {
  const { c, deps } = serving
  const signedIn = await sessionOf(deps, c.req.raw, requestIdOf(c)).catch(() => null)
  return finish(c, failurePage(visitWithoutQuery(serving, signedIn), error, sent))
}

/** The query may be what is damaged. */
const visitWithoutQuery = ({ c, ...rest }: Serving, signedIn: SignedIn | null): Visit => {
  const url = new URL(c.req.url)
  url.search = ''
  const request = new Request(url, { headers: c.req.raw.headers })
  return visitOf({ ...rest, request, requestId: requestIdOf(c), remoteAddress: remoteOf(c), param: () => '' }, signedIn)
}

/** Enhanced requests follow a redirect by themselves and would put the sign-in page into a part of this one. */
const toSignIn = (visit: Visit, c: Context): Response => {
  const next = c.req.method === 'GET' ? c.req.path + visit.url.search : '/'
  const address = next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`
  const flash = c.req.method === 'POST' ? ({ is: 'sessionEnded' } as const) : null
  const response = visit.seeOther(address, flash)
  if (!c.req.header('hx-request')) return response
  const headers = new Headers(response.headers)
  headers.delete('location')
  headers.set('hx-redirect', address)
  return new Response(null, { status: 401, headers })
}

/** An enhanced request's error is a whole page and must not land in a part of one, nor its address in the history. */
const finish = (c: Context, response: Response): Response => {
  if (!c.req.header('hx-request') || response.status < 400) return response
  response.headers.set('hx-retarget', 'body')
  response.headers.set('hx-reswap', 'innerHTML')
  if (c.req.method !== 'GET') response.headers.set('hx-push-url', 'false')
  return response
}

const requestIds = new WeakMap<Context, string>()

/** The caller's id when it is a plain one, otherwise a fresh one; the same for the whole request. */
const requestIdOf = (c: Context): string => {
  const given = c.req.header('x-request-id')
  const id = requestIds.get(c) ?? (isRequestId(given) ? given : crypto.randomUUID())
  requestIds.set(c, id)
  return id
}
