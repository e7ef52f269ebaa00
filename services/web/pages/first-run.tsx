// The one-time link of the first start: whoever holds it becomes the first administrator.
import { isRefusal, refuse } from '../../../kernel/result.ts'
import { identity } from '../../identity/contract.ts'
import { check, type Form, type Wrong } from '../forms.ts'
import { CommandForm, EmailField, FormError, NameField, NewPasswordField } from '../look/fields.tsx'
import { statusOf } from '../problem.ts'
import { openGet, openPost } from '../route.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Visit } from '../visit.tsx'
import { enter } from './sign-in.tsx'

const Passwords = ({ visit, error }: { visit: Visit; error?: string | undefined }) => {
  const { forms } = visit.texts
  return <NewPasswordField label={forms.password} help={forms.rules.newPassword} error={error} />
}

type FieldName = 'token' | 'name' | 'email' | 'password'

export const firstRunPage = [
  openGet('/first-run', (visit) => {
    const token = visit.query.get('token')
    if (!token) return visit.page(visit.texts.firstRun.title, <NoToken visit={visit} />, { plain: true, status: 404 })
    return firstRunView(visit, { token, name: '', email: '' })
  }),

  openPost(
    '/first-run',
    async (visit, form) => {
      const sent = { token: form.text('token'), name: form.text('name'), email: form.text('email') }
      const checked = check(identity.createFirstAdministrator.input, { ...sent, password: form.text('password') })
      if ('wrong' in checked) return firstRunView(visit, { ...sent, form, wrong: checked.wrong, status: 422 })
      const outcome = await visit.callAsService(
        identity.createFirstAdministrator,
        { ...checked.value, client: visit.client },
        { key: form.key },
      )
      if (isRefusal(outcome)) {
        const error = refusalText(visit.texts, outcome)
        return firstRunView(visit, { ...sent, error, status: statusOf(identity.createFirstAdministrator, outcome) })
      }
      return enter(visit, outcome.ok)
    },
    Passwords,
  ),
]

interface FirstRunState {
  readonly token: string
  readonly name: string
  readonly email: string
  readonly form?: Form
  readonly wrong?: Wrong<FieldName>
  readonly error?: string
  readonly status?: number
}

const firstRunView = (visit: Visit, { status = 200, ...state }: FirstRunState): Response =>
  visit.page(visit.texts.firstRun.title, <FirstRun visit={visit} {...state} />, { status, plain: true })

const FirstRun = ({
  visit,
  token,
  name,
  email,
  form,
  wrong,
  error,
}: Omit<FirstRunState, 'status'> & { visit: Visit }) => {
  const { firstRun: words, forms } = visit.texts
  const rule = (field: 'name' | 'email' | 'password') => (wrong?.has(field) ? forms.rules[field] : undefined)
  const general = error ?? (wrong?.has('token') ? refusalText(visit.texts, refuse('link_not_valid')) : undefined)
  return (
    <>
      <p class="lead">{words.lead}</p>
      {general && <FormError>{general}</FormError>}
      <CommandForm action="/first-run" class="stack" boost={false} idempotencyKey={form?.key}>
        <input type="hidden" name="token" value={token} />
        <NameField label={forms.name} error={rule('name')} value={name} autocomplete="name" />
        <EmailField label={forms.email} error={rule('email')} value={email} autocomplete="username" />
        <Passwords visit={visit} error={rule('password')} />
        <button class="btn btn-primary">{words.submit}</button>
      </CommandForm>
    </>
  )
}

const NoToken = ({ visit }: { visit: Visit }) => (
  <>
    <p class="lead">{visit.texts.firstRun.noToken}</p>
    <p>{visit.texts.firstRun.noTokenHelp}</p>
  </>
)
