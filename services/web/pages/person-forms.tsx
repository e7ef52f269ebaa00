// What an admin may change about one person: role, link, activity; in a panel that opens without a script.
import { roles } from '../../vocabulary.ts'
import { CommandForm, type FieldAttributes } from '../look/fields.tsx'
import type { Person } from '../session.ts'
import type { Member } from '../visit.tsx'

/** A popover opens and closes by itself, without a script. */
export const ChangePerson = ({ visit, person, isMe }: { visit: Member; person: Person; isMe: boolean }) => {
  const { people: words } = visit.texts
  const id = `change-${person.popugId}`
  return (
    <div class="person-change">
      <button type="button" class="btn btn-sm" popovertarget={id} aria-label={words.changePerson(person.name)}>
        {words.change}
      </button>
      <div id={id} class="panel" popover="auto" role="dialog" aria-label={words.changePerson(person.name)}>
        <h3>{words.changePerson(person.name)}</h3>
        <ChangeRole visit={visit} person={person} />
        {person.active && <RenewLink visit={visit} person={person} />}
        {!isMe && <Activity visit={visit} person={person} />}
        <button type="button" class="quiet" popovertarget={id} popovertargetaction="hide">
          {words.close}
        </button>
      </div>
    </div>
  )
}

const actionOf = (visit: Member, { popugId }: Person, what: string): string =>
  `/people/${popugId}/${what}${visit.url.search}`

const ChangeRole = ({ visit, person }: { visit: Member; person: Person }) => {
  const { people: words, forms } = visit.texts
  return (
    <CommandForm action={actionOf(visit, person, 'role')} class="row-form">
      <label for={`role-${person.popugId}`}>{forms.role}</label>
      <RoleControl visit={visit} value={person.role} attributes={{ id: `role-${person.popugId}`, name: 'role' }} />
      <button class="btn btn-sm">{words.saveRole}</button>
    </CommandForm>
  )
}

const RenewLink = ({ visit, person }: { visit: Member; person: Person }) => {
  const { people: words } = visit.texts
  return (
    <CommandForm action={actionOf(visit, person, 'invitation')} class="row-form">
      <p class="field-help">{words.newLinkHelp}</p>
      <button class="btn btn-sm">{words.newLink}</button>
    </CommandForm>
  )
}

const Activity = ({ visit, person }: { visit: Member; person: Person }) => {
  const { people: words } = visit.texts
  return (
    <CommandForm action={actionOf(visit, person, 'active')} class="row-form">
      <input type="hidden" name="active" value={String(!person.active)} />
      {person.active && <p class="field-help">{words.disableHelp}</p>}
      <button class="btn btn-sm">{person.active ? words.disable : words.enable}</button>
    </CommandForm>
  )
}

export const RoleControl = ({
  visit,
  value,
  attributes,
}: {
  visit: Member
  value: string
  attributes: Partial<FieldAttributes>
}) => (
  <select class="select" {...attributes}>
    {roles.map((role) => (
      <option value={role} selected={role === value}>
        {visit.texts.roles[role]}
      </option>
    ))}
  </select>
)
