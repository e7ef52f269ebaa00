// People: who is here with which role; adding, changing, disabling; invitation links shown once.
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { identity, peopleOrder } from '../../identity/contract.ts'
import { admins, roles } from '../../vocabulary.ts'
import { check, idFrom, type Form, type Wrong } from '../forms.ts'
import { ChoiceField, CommandForm, EmailField, Field, FormError, NameField, SearchForm } from '../look/fields.tsx'
import { Empty, followedFrom, PageLinks, When } from '../look/parts.tsx'
import { Problem, statusOf } from '../problem.ts'
import { get, post } from '../route.ts'
import { ownOrigin } from '../security.ts'
import { forgetSessionsOf, type Person } from '../session.ts'
import { refusalText } from '../texts/refusals.ts'
import { turnDown, type Member } from '../visit.tsx'
import { ChangePerson, RoleControl } from './person-forms.tsx'

export const peoplePage = [
  get('/people', admins, (visit) => peopleView(visit, {})),

  /** The list alone, which asks for itself when something has changed. */
  get('/people/list', admins, async (visit) =>
    visit.fragment(<PeopleList visit={visit} list={await peopleIn(visit)} />),
  ),

  post('/people', admins, async (visit, form) => {
    const fields = { name: form.text('name'), email: form.text('email'), role: form.text('role') }
    const checked = check(identity.invitePerson.input, fields)
    if ('wrong' in checked) return peopleView(visit, { form, wrong: checked.wrong, status: 422 })
    const outcome = await visit.call(identity.invitePerson, checked.value, { key: form.key })
    if (isRefusal(outcome)) {
      const isSpent = outcome.refused === 'key_reused'
      return peopleView(visit, {
        form,
        isSpent,
        error: refusalText(visit.texts, outcome),
        status: statusOf(identity.invitePerson, outcome),
      })
    }
    const { person, token } = outcome.ok
    return visit.seeOther('/people', { is: 'invited', name: person.name, token })
  }),

  post('/people/:popugId/role', admins, (visit, form) => {
    const role = roles.find((each) => each === form.text('role'))
    if (!role) throw new Problem('badRequest')
    return change(visit, form, { role })
  }),

  post('/people/:popugId/active', admins, (visit, form) =>
    change(visit, form, { active: form.text('active') === 'true' }),
  ),

  post('/people/:popugId/invitation', admins, async (visit, form) => {
    const popugId = personIn(visit)
    const outcome = await visit.call(identity.renewInvitation, { popugId }, { key: form.key })
    if (isRefusal(outcome)) return turnDown(visit, listOf(visit), identity.renewInvitation, outcome)
    const { person, token } = outcome.ok
    return visit.seeOther(listOf(visit), { is: 'linkRenewed', name: person.name, token })
  }),
]

const personIn = (visit: Member): number => {
  const popugId = idFrom(visit.param('popugId'))
  if (popugId === null) throw new Problem('notFound')
  return popugId
}

/** Back to the list as it was filtered. */
const listOf = (visit: Member): string => `/people${visit.url.search}`

const change = async (
  visit: Member,
  form: Form,
  to: { role?: Person['role']; active?: boolean },
): Promise<Response> => {
  const popugId = personIn(visit)
  const outcome = await visit.call(identity.changePerson, { popugId, ...to }, { key: form.key })
  forgetSessionsOf(visit.deps, popugId)
  if (isRefusal(outcome)) return turnDown(visit, listOf(visit), identity.changePerson, outcome)
  const { name, role, active } = outcome.ok
  if (to.role) return visit.seeOther(listOf(visit), { is: 'roleChanged', name, role: visit.texts.roles[role] })
  return visit.seeOther(listOf(visit), { is: active ? 'personEnabled' : 'personDisabled', name })
}

/** The form for a new person as it was sent, and what was wrong with it. */
interface Sent {
  readonly form?: Form
  readonly wrong?: Wrong<'name' | 'email' | 'role'>
  readonly error?: string
  readonly isSpent?: boolean
}

const peopleView = async (visit: Member, { status, ...sent }: Sent & { status?: number }): Promise<Response> => {
  const list = await peopleIn(visit)
  return visit.page(visit.texts.people.title, <People visit={visit} list={list} sent={sent} />, {
    status: status ?? (list.isWrong ? 422 : 200),
  })
}

interface List {
  readonly people: readonly Person[]
  readonly next: string | null
  readonly text: string
  readonly order: z.output<typeof peopleOrder>
  /** What was searched for is not as it must be. */
  readonly isWrong: boolean
}

/** Those that the address asks for. */
const peopleIn = async (visit: Member): Promise<List> => {
  const text = visit.query.get('text') ?? ''
  const order = peopleOrder.catch('number').parse(visit.query.get('order'))
  const checked = check(identity.getPeople.input, {
    text: text || undefined,
    order,
    after: visit.query.get('after') || undefined,
  })
  const isWrong = 'wrong' in checked
  const page = isWrong ? { people: [], next: null } : await visit.need(identity.getPeople, checked.value)
  return { ...page, text, order, isWrong }
}

const People = ({ visit, list, sent }: { visit: Member; list: List; sent: Sent }) => {
  const { people: words } = visit.texts
  return (
    <>
      <InvitationLink visit={visit} />
      <AddPerson visit={visit} sent={sent} />
      <section aria-labelledby="list">
        <h2 id="list">{words.list}</h2>
        <SearchForm
          action="/people"
          label={words.search}
          value={list.text}
          error={list.isWrong ? visit.texts.forms.rules.text : undefined}
          submit={words.apply}
          clear={words.clear}
        >
          <ChoiceField
            name="order"
            label={words.order}
            value={list.order}
            options={peopleOrder.options.map((each) => [each, words.orders[each]])}
          />
        </SearchForm>
        <PeopleList visit={visit} list={list} />
        <p class="aside">
          <a href="/people/security">{visit.texts.securityLog.title}</a>
        </p>
      </section>
    </>
  )
}

const PeopleList = ({ visit, list: { people, next, isWrong } }: { visit: Member; list: List }) => {
  const { people: words } = visit.texts
  const follows = isWrong ? {} : followedFrom(`/people/list${visit.url.search}`, 'people')
  return (
    <div id="people" {...follows}>
      {people.length === 0 ? (
        <Empty title={words.empty}>
          <p>{words.emptyHelp}</p>
        </Empty>
      ) : (
        <ul class="people">
          {people.map((person) => (
            <PersonRow visit={visit} person={person} />
          ))}
        </ul>
      )}
      <PageLinks visit={visit} path="/people" next={next} nextText={words.next} firstText={words.first} />
    </div>
  )
}

/** Shown by the message of the page before, so that it is there once and in no address. */
const InvitationLink = ({ visit }: { visit: Member }) => {
  const { people: words } = visit.texts
  const { flash } = visit
  if (flash?.is !== 'invited' && flash?.is !== 'linkRenewed') return null
  const base = visit.deps.publicUrl ?? ownOrigin(visit.url, visit.secure)
  const link = `${base}/invitation?token=${encodeURIComponent(flash.token)}`
  return (
    <section class="once" aria-labelledby="once">
      <h2 id="once">{words.linkTitle(flash.name)}</h2>
      <p>{words.linkHelp}</p>
      <div class="copy">
        <input id="link" class="input" readonly value={link} aria-label={words.link} />
        <button type="button" class="btn js-only" data-copy="link" data-copied={words.copied}>
          {words.copy}
        </button>
      </div>
    </section>
  )
}

const AddPerson = ({ visit, sent }: { visit: Member; sent: Sent }) => {
  const { people: words, forms } = visit.texts
  const { form, wrong } = sent
  const rule = (name: 'name' | 'email' | 'role') => (wrong?.has(name) ? forms.rules[name] : undefined)
  return (
    <section class="create" aria-labelledby="add">
      <h2 id="add">{words.add}</h2>
      {sent.error && <FormError>{sent.error}</FormError>}
      <CommandForm
        action="/people"
        class="create-form create-form-person"
        idempotencyKey={sent.isSpent ? undefined : form?.key}
      >
        <NameField label={forms.name} error={rule('name')} value={form?.text('name') ?? ''} autocomplete="off" />
        <EmailField label={forms.email} error={rule('email')} value={form?.text('email') ?? ''} autocomplete="off" />
        <Field name="role" label={forms.role} error={rule('role')}>
          {(attributes) => <RoleControl visit={visit} value={form?.text('role') || 'popug'} attributes={attributes} />}
        </Field>
        <button class="btn btn-primary">{words.submit}</button>
      </CommandForm>
      <p class="field-help">
        {words.addHelp} {words.roleHelp}
      </p>
    </section>
  )
}

const PersonRow = ({ visit, person }: { visit: Member; person: Person }) => {
  const { people: words, roles: roleNames } = visit.texts
  const isMe = person.popugId === visit.person.popugId
  return (
    <li class={person.active ? 'person' : 'person is-disabled'}>
      <p class="person-name">
        <span class="number">#{person.popugId}</span> <strong>{person.name}</strong>
        {isMe && <span class="muted"> ({words.you})</span>}
      </p>
      <p class="person-email">{person.email}</p>
      <p class="person-role">
        {roleNames[person.role]}
        {!person.active && <span class="state state-disabled">{words.disabled}</span>}
      </p>
      <p class="person-since muted">
        {words.joined} <When visit={visit} at={person.createdAt} />
      </p>
      <ChangePerson visit={visit} person={person} isMe={isMe} />
    </li>
  )
}
