// Sign-in and sign-out.
import type { z } from 'zod'
import { Fault, isRefusal, refuse } from '../../../kernel/result.ts'
import { identity } from '../../identity/contract.ts'
import { endSessionCookie, sessionCookie, sessionTokenOf, type Flash } from '../cookies.ts'
import { check, localPath } from '../forms.ts'
import { CommandForm, CurrentPasswordField, EmailField, FormError } from '../look/fields.tsx'
import { beginVisit } from '../last-visit.ts'
import { Problem, Refused, statusOf } from '../problem.ts'
import { openGet, openPost } from '../route.ts'
import { forgetSession } from '../session.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Visit, Visitor } from '../visit.tsx'

const Passwords = ({ visit }: { visit: Visit }) => <CurrentPasswordField label={visit.texts.forms.password} />

export const signInPage = [
  openGet('/sign-in', (visit) => {
    const next = localPath(visit.query.get('next'))
    if (visit.person !== null) return visit.seeOther(next)
    return signInView(visit, { next, email: '' })
  }),

  openPost(
    '/sign-in',
    async (visit, form) => {
      const next = localPath(form.fields.get('next'))
      const email = form.text('email')
      const checked = check(identity.signIn.input, { email, password: form.text('password') })
      if ('wrong' in checked) {
        const field = checked.wrong.has('email')
          ? { emailError: visit.texts.forms.rules.email }
          : { error: refusalText(visit.texts, refuse('wrong_credentials')) }
        return signInView(visit, { next, email, ...field, status: 422 })
      }
      const outcome = await visit.callAsService(identity.signIn, { ...checked.value, client: visit.client })
      if (isRefusal(outcome)) {
        const error = refusalText(visit.texts, outcome)
        return signInView(visit, { next, email, error, status: statusOf(identity.signIn, outcome) })
      }
      return enter(visit, outcome.ok, next)
    },
    Passwords,
  ),

  openPost('/sign-in/as', async (visit, form) => {
    const wanted = visitorsOf(visit).find(({ role }) => role === form.text('role'))
    if (!wanted) throw new Problem('notFound')
    const { email, password } = wanted
    const outcome = await visit.callAsService(identity.signIn, { email, password, client: visit.client })
    if (isRefusal(outcome)) throw new Refused(identity.signIn, outcome)
    return enter(visit, outcome.ok)
  }),

  openPost('/sign-out', async (visit) => {
    const token = sessionTokenOf(visit.request, visit.secure)
    if (token) await endSession(visit, token)
    return visit.seeOther('/sign-in', { is: 'signedOut' }, [endSessionCookie(visit.secure)])
  }),
]

/** Nobody, except in a demo. */
const visitorsOf = ({ deps }: Visit): readonly Visitor[] => deps.visitors?.() ?? []

/** The browser forgets the session in any case; the server's end of it is best effort. */
const endSession = async (visit: Visit, token: string): Promise<void> => {
  forgetSession(visit.deps, token)
  try {
    await visit.callAsService(identity.signOut, { token })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    visit.deps.log.warn({ err: error, requestId: visit.requestId }, 'session was not ended at identity')
  }
}

type Session = z.output<typeof identity.signIn.output>

/** Begins the session in the browser. */
export const enter = (visit: Visit, session: Session, next = '/'): Response => {
  const flash: Flash = { is: 'signedIn', name: session.person.name }
  const cookie = sessionCookie(session.token, new Date(session.expiresAt), visit.now, visit.secure)
  const { request, now, secure } = visit
  const visited = beginVisit({ request, popugId: session.person.popugId, now, secure })
  return visit.seeOther(next, flash, [cookie, visited])
}

interface SignInState {
  readonly next: string
  readonly email: string
  readonly error?: string
  readonly emailError?: string
  readonly status?: number
}

const signInView = (visit: Visit, { status = 200, ...state }: SignInState): Response =>
  visit.page(
    visitorsOf(visit).length > 0 ? visit.texts.demo.title : visit.texts.signIn.title,
    <SignIn visit={visit} {...state} />,
    { status, plain: true },
  )

type SignInProps = Omit<SignInState, 'status'> & { readonly visit: Visit }

/** In a demo the form waits folded behind the ways in by one press. */
const SignIn = ({ visit, ...state }: SignInProps) => {
  const { signIn: words } = visit.texts
  const hasVisitors = visitorsOf(visit).length > 0
  return (
    <>
      {state.error && <FormError>{state.error}</FormError>}
      {hasVisitors ? (
        <>
          <Visitors visit={visit} />
          <details class="with-password" open={state.email !== ''}>
            <summary>{visit.texts.demo.withPassword}</summary>
            <SignInForm visit={visit} {...state} isFirstTry={false} />
          </details>
        </>
      ) : (
        <>
          <SignInForm visit={visit} {...state} isFirstTry={state.email === '' && !state.error && !visit.flash} />
          <p class="aside">{words.noAccount}</p>
        </>
      )}
    </>
  )
}

const SignInForm = ({ visit, next, email, emailError, isFirstTry }: SignInProps & { readonly isFirstTry: boolean }) => {
  const { signIn: words, forms } = visit.texts
  return (
    <CommandForm action="/sign-in" class="stack" boost={false}>
      <input type="hidden" name="next" value={next} />
      <EmailField
        label={forms.email}
        error={emailError}
        value={email}
        autocomplete="username"
        autofocus={isFirstTry && !emailError}
      />
      <Passwords visit={visit} />
      <button class="btn btn-primary">{words.submit}</button>
    </CommandForm>
  )
}

/** In a demo: one press for each role. */
const Visitors = ({ visit }: { visit: Visit }) => {
  const { demo, roles } = visit.texts
  return (
    <section class="visitors" aria-label={demo.title}>
      <p class="lead">{demo.intro}</p>
      {visitorsOf(visit).map(({ role, name }) => (
        <CommandForm action="/sign-in/as" boost={false}>
          <input type="hidden" name="role" value={role} />
          <button class="visitor">
            <strong>{name}</strong> <span class="visitor-role">{roles[role]}</span>
            <span class="visitor-does">{demo.does[role]}</span>
          </button>
        </CommandForm>
      ))}
    </section>
  )
}
