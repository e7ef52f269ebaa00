// An invitation link: shows whom it is for, sets the password and signs in.
import { isRefusal, refuse, type Refusal } from '../../../kernel/result.ts'
import { identity } from '../../identity/contract.ts'
import { check } from '../forms.ts'
import { CommandForm, EmailField, NewPasswordField } from '../look/fields.tsx'
import { Refused, statusOf } from '../problem.ts'
import { openGet, openPost } from '../route.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Visit } from '../visit.tsx'
import { enter } from './sign-in.tsx'

const Passwords = ({ visit, error }: { visit: Visit; error?: string | undefined }) => {
  const { forms } = visit.texts
  return <NewPasswordField label={forms.password} help={forms.rules.newPassword} error={error} autofocus />
}

export const invitationPage = [
  openGet('/invitation', (visit) => invitationView(visit, visit.query.get('token') ?? '')),

  openPost(
    '/invitation',
    async (visit, form) => {
      const token = form.text('token')
      const checked = check(identity.acceptInvitation.input, { token, password: form.text('password') })
      if ('wrong' in checked)
        return invitationView(visit, token, { key: form.key, error: visit.texts.forms.rules.password })
      const input = { ...checked.value, client: visit.client }
      const outcome = await visit.callAsService(identity.acceptInvitation, input, { key: form.key })
      if (isRefusal(outcome) && outcome.refused === 'password_too_common')
        return invitationView(visit, token, { key: form.key, error: refusalText(visit.texts, outcome) })
      if (isRefusal(outcome)) return noLinkView(visit, outcome)
      return enter(visit, outcome.ok)
    },
    Passwords,
  ),
]

interface Mistake {
  readonly key: string
  readonly error: string
}

const invitationView = async (visit: Visit, token: string, mistake?: Mistake): Promise<Response> => {
  const checked = check(identity.getInvitation.input, { token })
  if ('wrong' in checked) return noLinkView(visit, refuse('link_not_valid'))
  const outcome = await visit.callAsService(identity.getInvitation, checked.value)
  if (isRefusal(outcome)) return noLinkView(visit, outcome)
  const content = <Invitation visit={visit} token={token} {...outcome.ok} mistake={mistake} />
  return visit.page(visit.texts.invitation.title, content, { plain: true, status: mistake ? 422 : 200 })
}

interface InvitationProps {
  readonly visit: Visit
  readonly token: string
  readonly name: string
  readonly email: string
  readonly mistake: Mistake | undefined
}

const Invitation = ({ visit, token, name, email, mistake }: InvitationProps) => {
  const { invitation: words, forms } = visit.texts
  return (
    <>
      <p class="lead">{words.lead(name)}</p>
      <CommandForm action="/invitation" class="stack" boost={false} idempotencyKey={mistake?.key}>
        <input type="hidden" name="token" value={token} />
        <EmailField label={forms.email} value={email} autocomplete="username" readonly />
        <Passwords visit={visit} error={mistake?.error} />
        <button class="btn btn-primary">{words.submit}</button>
      </CommandForm>
    </>
  )
}

const noLinkView = (visit: Visit, refusal: Refusal): Response => {
  if (refusal.refused !== 'link_not_valid') throw new Refused(identity.acceptInvitation, refusal)
  const { invitation: words } = visit.texts
  const content = (
    <>
      <p class="lead">{refusalText(visit.texts, refusal)}</p>
      <p>{words.noLinkHelp}</p>
    </>
  )
  return visit.page(words.noLink, content, { plain: true, status: statusOf(identity.acceptInvitation, refusal) })
}
