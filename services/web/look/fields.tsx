// Form parts: a command's form with its key, labelled fields with their error beside them.
import type { ComponentChildren } from 'preact'

interface CommandFormProps {
  readonly action: string
  /** Kept when the same form is shown again, new on each fresh page. */
  readonly idempotencyKey?: string | undefined
  readonly class?: string
  readonly id?: string
  readonly children: ComponentChildren
  /** False for forms after which the whole document must be loaded anew. */
  readonly boost?: boolean
}

/** A form whose command has its effect once, however often it is sent. */
export const CommandForm = ({ action, idempotencyKey, children, boost = true, ...rest }: CommandFormProps) => (
  <form method="post" action={action} hx-disable="find button" hx-boost={boost ? undefined : 'false'} {...rest}>
    <input type="hidden" name="key" value={idempotencyKey ?? crypto.randomUUID()} />
    {children}
  </form>
)

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly help?: string | undefined
  readonly error?: string | undefined
  readonly children: (attributes: FieldAttributes) => ComponentChildren
}

export interface FieldAttributes {
  readonly id: string
  readonly name: string
  readonly 'aria-invalid': 'true' | undefined
  readonly 'aria-describedby': string | undefined
  readonly autofocus: boolean
}

/** A label, the control, and below it the help or what is wrong. The first wrong field gets the focus. */
export const Field = ({ name, label, help, error, children }: FieldProps) => {
  const note = error ?? help
  return (
    <div class="field">
      <label for={`field-${name}`}>{label}</label>
      {children({
        id: `field-${name}`,
        name,
        'aria-invalid': error ? 'true' : undefined,
        'aria-describedby': note ? `note-${name}` : undefined,
        autofocus: error !== undefined,
      })}
      {note && (
        <p id={`note-${name}`} class={error ? 'field-error' : 'field-help'}>
          {note}
        </p>
      )}
    </div>
  )
}

/** What is wrong with a form as a whole. */
export const FormError = ({ children }: { children: ComponentChildren }) => (
  <p class="form-error" role="alert" tabindex={-1} autofocus>
    {children}
  </p>
)
