// Me: name, language and colours, password, and the sessions that are open, each of which can be ended.
import type { z } from 'zod'
import { Fault, isRefusal, refuse } from '../../../kernel/result.ts'
import { identity } from '../../identity/contract.ts'
import { everybody } from '../../vocabulary.ts'
import { sessionCookie, sessionTokenOf } from '../cookies.ts'
import { check, type Form } from '../forms.ts'
import { CommandForm, CurrentPasswordField, FormError, NameField, NewPasswordField } from '../look/fields.tsx'
import { Preferences } from '../look/layout.tsx'
import { Notice, When } from '../look/parts.tsx'
import { Problem, Refused, statusOf } from '../problem.ts'
import { get, post } from '../route.ts'
import { forgetSessionsOf } from '../session.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Member, Visit } from '../visit.tsx'

const Passwords = ({ visit, error }: { visit: Visit; error?: string | undefined }) => {
  const { me: words, forms } = visit.texts
  return (
    <>
      <CurrentPasswordField name="current" label={words.current} />
      <NewPasswordField label={words.next} help={forms.rules.newPassword} error={error} />
    </>
  )
}

type Session = z.output<typeof identity.listSessions.output>['sessions'][number]

export const mePage = [
  get('/me', everybody, (visit) => meView(visit, {})),

  post('/me/name', everybody, async (visit, form) => {
    const checked = check(identity.changeMe.input, { name: form.text('name') })
    if ('wrong' in checked) return meView(visit, { form, nameError: visit.texts.forms.rules.name, status: 422 })
    const outcome = await visit.call(identity.changeMe, checked.value, { key: form.key })
    if (isRefusal(outcome)) throw new Refused(identity.changeMe, outcome)
    forgetSessionsOf(visit.deps, visit.person.popugId)
    return visit.seeOther('/me', { is: 'nameChanged', name: outcome.ok.name })
  }),

  post(
    '/me/password',
    everybody,
    async (visit, form) => {
      const fields = { token: tokenIn(visit), current: form.text('current'), password: form.text('password') }
      const checked = check(identity.changePassword.input, fields)
      if ('wrong' in checked) return meView(visit, { form, ...passwordErrors(visit, checked.wrong), status: 422 })
      const input = { ...checked.value, client: visit.client }
      const outcome = await visit.callAsService(identity.changePassword, input, { key: form.key })
      if (isRefusal(outcome)) {
        const text = refusalText(visit.texts, outcome)
        const where =
          outcome.refused === 'password_too_common'
            ? { newError: text }
            : { passwordError: currentWrong(visit, outcome.refused, text) }
        return meView(visit, { form, ...where, status: statusOf(identity.changePassword, outcome) })
      }
      const { token, expiresAt } = outcome.ok
      forgetSessionsOf(visit.deps, visit.person.popugId)
      const cookie = sessionCookie(token, new Date(expiresAt), visit.now, visit.secure)
      return visit.seeOther('/me', { is: 'passwordChanged' }, [cookie])
    },
    Passwords,
  ),

  post('/me/sessions/:id/end', everybody, async (visit) => {
    const checked = check(identity.endSession.input, { token: tokenIn(visit), id: visit.param('id') })
    if ('wrong' in checked) throw new Problem('notFound')
    const outcome = await visit.callAsService(identity.endSession, checked.value)
    if (isRefusal(outcome)) throw new Refused(identity.endSession, outcome)
    forgetSessionsOf(visit.deps, visit.person.popugId)
    return visit.seeOther('/me', { is: 'sessionEndedByMe' })
  }),
]

/** Whoever is here came with one. */
const tokenIn = (visit: Member): string => {
  const token = sessionTokenOf(visit.request, visit.secure)
  if (token === null) throw new Problem('badRequest')
  return token
}

const currentWrong = (visit: Member, refused: string, text: string): string =>
  refused === 'wrong_credentials' ? visit.texts.me.wrongCurrent : text

const passwordErrors = ({ texts }: Member, wrong: ReadonlySet<string>) =>
  wrong.has('current') ? { passwordError: texts.me.wrongCurrent } : { newError: texts.forms.rules.password }

/** A form of this page as it was sent, and what was wrong with it. Passwords are never written into a page. */
interface Sent {
  readonly form?: Form
  readonly nameError?: string
  readonly passwordError?: string
  readonly newError?: string
}

const meView = async (visit: Member, { status = 200, ...sent }: Sent & { status?: number }): Promise<Response> => {
  const sessions = await sessionsOf(visit)
  return visit.page(visit.texts.me.title, <Me visit={visit} sessions={sessions} sent={sent} />, { status })
}

/** Null where they cannot be asked for: the rest of the page works without them. */
const sessionsOf = async (visit: Member): Promise<readonly Session[] | null> => {
  const outcome = await visit
    .callAsService(identity.listSessions, { token: tokenIn(visit) }, { timeoutMs: 1_500 })
    .catch((error: unknown) => {
      if (error instanceof Fault) return refuse('no_session')
      throw error
    })
  return isRefusal(outcome) ? null : outcome.ok.sessions
}

interface MeProps {
  readonly visit: Member
  readonly sessions: readonly Session[] | null
  readonly sent: Sent
}

const Me = ({ visit, sessions, sent }: MeProps) => {
  const { me: words, roles } = visit.texts
  const { person } = visit
  return (
    <>
      <p class="lead">
        {person.email} <span class="muted">· {roles[person.role]}</span>
      </p>
      <section aria-labelledby="name">
        <h2 id="name">{words.name}</h2>
        <NameForm visit={visit} sent={sent} />
      </section>
      <section aria-labelledby="look">
        <h2 id="look">{words.look}</h2>
        <Preferences visit={visit} />
      </section>
      <section aria-labelledby="password">
        <h2 id="password">{words.password}</h2>
        <PasswordForm visit={visit} sent={sent} />
      </section>
      <section aria-labelledby="sessions">
        <h2 id="sessions">{words.sessions}</h2>
        {sessions === null ? <Notice>{words.noSessions}</Notice> : <Sessions visit={visit} sessions={sessions} />}
      </section>
    </>
  )
}

const NameForm = ({ visit, sent }: Omit<MeProps, 'sessions'>) => (
  <CommandForm action="/me/name" class="one-line">
    <NameField
      label={visit.texts.forms.name}
      help={visit.texts.me.nameHelp}
      error={sent.nameError}
      value={sent.nameError === undefined ? visit.person.name : (sent.form?.text('name') ?? '')}
      autocomplete="name"
    />
    <button class="btn">{visit.texts.me.saveName}</button>
  </CommandForm>
)

const PasswordForm = ({ visit, sent }: Omit<MeProps, 'sessions'>) => {
  const { me: words } = visit.texts
  return (
    <CommandForm action="/me/password" class="stack narrow" boost={false}>
      {sent.passwordError && <FormError>{sent.passwordError}</FormError>}
      <input type="hidden" name="username" autocomplete="username" value={visit.person.email} />
      <Passwords visit={visit} error={sent.newError} />
      <p class="field-help">{words.passwordHelp}</p>
      <button class="btn">{words.savePassword}</button>
    </CommandForm>
  )
}

const Sessions = ({ visit, sessions }: { visit: Member; sessions: readonly Session[] }) => {
  const { me: words } = visit.texts
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.where}</th>
          <th scope="col" class="col-time">
            {words.begun}
          </th>
          <th scope="col" class="col-time">
            {words.ends}
          </th>
          <th scope="col" class="last col-act">
            <span class="sr">{visit.texts.myTasks.action}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map((session) => (
          <SessionRow visit={visit} session={session} />
        ))}
      </tbody>
    </table>
  )
}

const SessionRow = ({ visit, session }: { visit: Member; session: Session }) => {
  const { me: words } = visit.texts
  const name = browserName(session.userAgent) || words.unknownBrowser
  return (
    <tr>
      <th scope="row">
        <strong>{name}</strong>
        {session.current && <span class="muted"> ({words.thisOne})</span>}
        {session.address !== '' && <span class="muted below">{session.address}</span>}
      </th>
      <td data-label={words.begun}>
        <When visit={visit} at={session.createdAt} />
      </td>
      <td data-label={words.ends}>
        <When visit={visit} at={session.expiresAt} />
      </td>
      <td class="act">
        {session.current ? (
          <form method="post" action="/sign-out" hx-boost="false">
            <button class="btn btn-sm">{visit.texts.layout.signOut}</button>
          </form>
        ) : (
          <CommandForm action={`/me/sessions/${session.id}/end`}>
            <button class="btn btn-sm" aria-label={words.endSession(name)}>
              {words.end}
            </button>
          </CommandForm>
        )}
      </td>
    </tr>
  )
}

const browsers = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['YaBrowser/', 'Yandex Browser'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const
const systems = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS X', 'macOS'],
  ['Linux', 'Linux'],
] as const

/** Enough for people to know their own; a program is shown by the first word it says of itself. */
const browserName = (userAgent: string): string => {
  const browser = browsers.find(([mark]) => userAgent.includes(mark))?.[1] ?? userAgent.split(/[ /]/)[0] ?? ''
  const system = systems.find(([mark]) => userAgent.includes(mark))?.[1]
  return system ? `${browser}, ${system}` : browser
}
