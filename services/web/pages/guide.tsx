// What people may do by role, and what programs may call: both from what the services publish of their contracts.
import { everybody, roles, type Role } from '../../vocabulary.ts'
import { Notice } from '../look/parts.tsx'
import type { PublicMethod, PublicMethods, SchemaRow } from '../public-method.ts'
import { get } from '../route.ts'
import { fieldText, methodText, serviceText } from '../texts/contracts.ts'
import type { Member } from '../visit.tsx'

export const guidePage = [
  get('/permissions', everybody, async (visit) =>
    visit.page(visit.texts.permissions.title, <Permissions visit={visit} {...await visit.deps.publicMethods()} />),
  ),

  get('/api', everybody, async (visit) =>
    visit.page(visit.texts.api.title, <Api visit={visit} {...await visit.deps.publicMethods()} />),
  ),
]

type Props = PublicMethods & { readonly visit: Member }

const byService = (methods: readonly PublicMethod[]): [string, PublicMethod[]][] => [
  ...Map.groupBy(methods, ({ service }) => service),
]

const Missing = ({ visit, missing }: { visit: Member; missing: readonly string[] }) =>
  missing.length === 0 ? null : <Notice>{visit.texts.api.missing(missing.join(', '))}</Notice>

const ServiceHeading = ({ visit, service }: { visit: Member; service: string }) => (
  <h2 id={service}>
    {serviceText(visit.texts, service)} <code class="muted">{service}</code>
  </h2>
)

/** In the reader's words, or in the contract's. */
const Told = ({ text, english }: { text: string | null; english: string }) =>
  text === null ? <span lang="en">{english}</span> : <>{text}</>

const Permissions = ({ visit, methods, missing }: Props) => {
  const { permissions: words, roles: roleNames } = visit.texts
  return (
    <>
      <p class="lead">{words.lead}</p>
      <Missing visit={visit} missing={missing} />
      {byService(methods).map(([service, all]) => (
        <section aria-labelledby={service}>
          <ServiceHeading visit={visit} service={service} />
          <table class="rows permissions">
            <thead>
              <tr>
                <th scope="col">{words.what}</th>
                {roles.map((role) => (
                  <th scope="col" class={role === visit.person.role ? 'col-role mine' : 'col-role'}>
                    {roleNames[role]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {all.map((method) => (
                <tr>
                  <th scope="row">
                    <Told text={methodText(visit.texts, method)} english={method.summary} />
                    <code class="muted below">{method.name}</code>
                  </th>
                  {roles.map((role) => (
                    <May visit={visit} role={role} may={method.allow.includes(role)} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </>
  )
}

const May = ({ visit, role, may }: { visit: Member; role: Role; may: boolean }) => {
  const { permissions: words, roles: roleNames } = visit.texts
  return (
    <td class={may ? 'may' : 'may-not'} data-label={roleNames[role]}>
      {may ? words.yes : words.no}
    </td>
  )
}

const Api = ({ visit, methods, missing }: Props) => {
  const { api: words } = visit.texts
  return (
    <>
      <p class="lead">{words.lead}</p>
      <ul class="notes">
        <li>{words.session}</li>
        <li>{words.keys}</li>
        <li>{words.problems}</li>
        <li>
          <a href="/api/openapi.json" hx-boost="false">
            {words.document}
          </a>
        </li>
      </ul>
      <Missing visit={visit} missing={missing} />
      {byService(methods).map(([service, all]) => (
        <section aria-labelledby={service}>
          <ServiceHeading visit={visit} service={service} />
          {all.map((method) => (
            <MethodView visit={visit} method={method} />
          ))}
        </section>
      ))}
    </>
  )
}

const MethodView = ({ visit, method }: { visit: Member; method: PublicMethod }) => {
  const { api: words, roles: roleNames } = visit.texts
  const allowed = roles.filter((role) => method.allow.includes(role))
  return (
    <details class="method">
      <summary>
        <strong>{method.name}</strong>
        <code>
          {method.verb} {method.path}
        </code>
      </summary>
      <p>
        <Told text={methodText(visit.texts, method)} english={method.summary} />
      </p>
      <p class="muted">
        {words.allowed(allowed.map((role) => roleNames[role]).join(', '))}{' '}
        {method.is === 'command' && (method.idempotent ? words.repeatable : words.needsKey)}
      </p>
      <Rows visit={visit} title={words.input} rows={method.input} nothing={words.noInput} />
      <Rows visit={visit} title={words.output} rows={method.output} nothing={words.noOutput} />
      {method.refuses.length > 0 && (
        <>
          <h3>{words.refuses}</h3>
          <p>
            {method.refuses.map((code, index) => (
              <>
                {index > 0 && ', '}
                <code>{code}</code>
              </>
            ))}
          </p>
        </>
      )}
    </details>
  )
}

interface RowsProps {
  readonly visit: Member
  readonly title: string
  readonly rows: readonly SchemaRow[]
  readonly nothing: string
}

const Rows = ({ visit, title, rows, nothing }: RowsProps) => (
  <>
    <h3>{title}</h3>
    {rows.length === 0 ? (
      <p class="muted">{nothing}</p>
    ) : (
      <dl class="schema">
        {rows.map(({ name, type, required, description }) => (
          <div>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              <code class="muted">{type}</code>
              {!required && <span class="muted"> {visit.texts.api.optional}</span>}
              {description !== '' && (
                <span class="below">
                  <Told text={fieldText(visit.texts, description)} english={description} />
                </span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    )}
  </>
)
