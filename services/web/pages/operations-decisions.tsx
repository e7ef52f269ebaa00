// What an administrator may decide about events that were set aside: try again, discard with a reason, restore.
import type { Form } from '../forms.ts'
import { Field } from '../look/fields.tsx'
import type { Member } from '../visit.tsx'

type State = 'parked' | 'discarded' | 'applied'

/** The form as it was sent, and what was wrong with it. */
export interface Sent {
  readonly form?: Form
  readonly error?: string
  readonly reasonError?: string
}

interface DecisionsProps {
  readonly visit: Member
  readonly state: State
  /** Whether those on this page are of one kind, so that something can be done with all of it. */
  readonly hasKind: boolean
  readonly sent: Sent
}

/** Discarded events can only be restored; those set aside are tried again or discarded. */
export const Decisions = ({ visit, state, hasKind, sent }: DecisionsProps) => {
  const { parked: words } = visit.texts.operations
  if (state === 'discarded') {
    return (
      <div class="acts after">
        <Do act="restore">{words.restoreChosen}</Do>
        {hasKind && <Do act="restore-all">{words.restoreAll}</Do>}
      </div>
    )
  }
  return (
    <>
      <div class="acts after">
        <Do act="retry" primary>
          {words.retryChosen}
        </Do>
        {hasKind && <Do act="retry-all">{words.retryAll}</Do>}
      </div>
      <ReasonField visit={visit} sent={sent} />
      <div class="acts after">
        <Do act="discard">{words.discardChosen}</Do>
        {hasKind && <Do act="discard-all">{words.discardAll}</Do>}
      </div>
    </>
  )
}

const Do = ({ act, primary = false, children }: { act: string; primary?: boolean; children: string }) => (
  <button name="do" value={act} class={primary ? 'btn btn-primary' : 'btn'}>
    {children}
  </button>
)

const ReasonField = ({ visit, sent }: { visit: Member; sent: Sent }) => {
  const { parked: words } = visit.texts.operations
  return (
    <div class="reason">
      <Field name="reason" label={words.reason} help={words.reasonHelp} error={sent.reasonError}>
        {(attributes) => (
          <input class="input" maxlength={1_000} value={sent.form?.text('reason') ?? ''} {...attributes} />
        )}
      </Field>
    </div>
  )
}

/** With one event, on its own page. */
export const OneDecision = ({ visit, state }: { visit: Member; state: State }) => {
  const { parked: words } = visit.texts.operations
  if (state === 'discarded') return <Do act="restore">{words.restore}</Do>
  return (
    <>
      <Do act="retry" primary>
        {words.retry}
      </Do>
      <ReasonField visit={visit} sent={{}} />
      <Do act="discard">{words.discard}</Do>
    </>
  )
}
