// Form parts: a command's form with its key, labelled fields with their error beside them, and the fields of several pages.
import type { ComponentChildren } from 'preact'
import type { passwordNames } from '../forms.ts'

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

interface EmailFieldProps extends Pick<FieldProps, 'label' | 'error'> {
  readonly value: string
  /** What a browser may fill in: whose address it is. */
  readonly autocomplete: 'username' | 'off'
  readonly readonly?: boolean
  /** Gets the focus also when nothing is wrong with it. */
  readonly autofocus?: boolean
}

export const EmailField = ({ label, error, autofocus = false, ...rest }: EmailFieldProps) => (
  <Field name="email" label={label} error={error}>
    {(attributes) => (
      <input
        class="input"
        type="email"
        maxlength={254}
        required
        {...rest}
        {...attributes}
        autofocus={autofocus || attributes.autofocus}
      />
    )}
  </Field>
)

interface PasswordFieldProps extends Omit<FieldProps, 'name' | 'children'> {
  readonly name?: (typeof passwordNames)[number]
  readonly autofocus?: boolean
}

const passwordField =
  (kind: { readonly autocomplete: string; readonly minlength?: number }) =>
  ({ name = 'password', autofocus = false, ...field }: PasswordFieldProps) => (
    <Field name={name} {...field}>
      {(attributes) => (
        <input
          class="input"
          type="password"
          maxlength={128}
          required
          {...kind}
          {...attributes}
          autofocus={autofocus || attributes.autofocus}
        />
      )}
    </Field>
  )

/** The password that somebody has, of any length, because what is wrong with it is not said. */
export const CurrentPasswordField = passwordField({ autocomplete: 'current-password' })

/** The password that somebody chooses. */
export const NewPasswordField = passwordField({ autocomplete: 'new-password', minlength: 8 })

interface NameFieldProps extends Pick<FieldProps, 'label' | 'help' | 'error'> {
  readonly value: string
  readonly autocomplete: 'name' | 'off'
}

/** A person's name. */
export const NameField = ({ label, help, error, ...rest }: NameFieldProps) => (
  <Field name="name" label={label} help={help} error={error}>
    {(attributes) => <input class="input" maxlength={100} required {...rest} {...attributes} />}
  </Field>
)

interface SearchFormProps {
  readonly action: string
  readonly label: string
  readonly value: string
  readonly error?: string | undefined
  readonly submit: string
  /** The text of the link to the whole list. */
  readonly clear: string
  /** Further fields. */
  readonly children?: ComponentChildren
}

/** Finds in a list by one text. */
export const SearchForm = ({ action, label, value, error, submit, clear, children }: SearchFormProps) => (
  <form method="get" action={action} class="filter" role="search">
    <Field name="text" label={label} error={error}>
      {(attributes) => <input class="input" type="search" maxlength={200} value={value} {...attributes} />}
    </Field>
    {children}
    <div class="filter-acts">
      <button class="btn">{submit}</button>
      {value !== '' && <a href={action}>{clear}</a>}
    </div>
  </form>
)

interface ChoiceFieldProps<Value extends string> extends Pick<FieldProps, 'name' | 'label' | 'error'> {
  readonly value: string
  readonly options: readonly (readonly [value: Value | '', text: string])[]
}

/** One of a few. */
export const ChoiceField = <Value extends string>({ value, options, ...field }: ChoiceFieldProps<Value>) => (
  <Field {...field}>
    {(attributes) => (
      <select class="select" {...attributes}>
        {options.map(([each, text]) => (
          <option value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
    )}
  </Field>
)

/** What is wrong with a form as a whole. */
export const FormError = ({ children }: { children: ComponentChildren }) => (
  <p class="form-error" role="alert" tabindex={-1} autofocus>
    {children}
  </p>
)
