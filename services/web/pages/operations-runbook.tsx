// What to do about an alert: its page from the documentation, in its own words.
import { staff } from '../../vocabulary.ts'
import { Problem } from '../problem.ts'
import { get, type Route } from '../route.ts'
import { readRunbook, type Runbook } from '../runbooks.ts'

export const operationsRunbookPage: readonly Route[] = [
  get('/operations/runbooks/:name', staff, async (visit) => {
    const name = visit.param('name')
    const runbook = await readRunbook(name)
    if (runbook === null) throw new Problem('notFound')
    return visit.page(visit.texts.operations.alerts.names[name] ?? name, <Pages runbook={runbook} />)
  }),
]

/** In English, whoever reads: it names commands, tables and metrics. */
const Pages = ({ runbook: { sections } }: { runbook: Runbook }) => (
  <div lang="en">
    {sections.map(({ heading, text }) => (
      <section>
        <h2>{heading}</h2>
        <pre class="runbook">{text}</pre>
      </section>
    ))}
  </div>
)
