// Alerts: each has a page for whoever is woken by it, and each page its alert.
import { basename } from 'node:path'
import type { File } from '../project.ts'
import { type Finding, only, type Rule } from '../rule.ts'
import { lineAt } from '../syntax.ts'

const catalog = 'services/operations/alerts/rules/catalog.ts'
const prometheus = 'deploy/prometheus/rules.yml'
const pages = 'docs/operate/runbooks/*.md'
const isPage = only(pages)

interface Named {
  readonly name: string
  readonly finding: (what: string) => Finding
}

const named = (file: File | undefined, pattern: RegExp): Named[] =>
  [...(file?.text ?? '').matchAll(pattern)].map(({ 1: name = '', index }) => ({
    name,
    finding: (what) => ({ path: file?.path ?? '', line: lineAt(file as File, index + 2), what: `${name} ${what}` }),
  }))

/** What a page must say, in this order. */
const headings = ['Meaning', 'Impact', 'Diagnosis', 'Mend']

const wrongPage = (file: File, name: string): Finding[] => {
  const [title = '', ...sections] = file.text.split(/^## /m)
  const said = sections.map((section) => section.split('\n')[0] ?? '')
  const empty = sections.filter((section) => section.split('\n').slice(1).join('').trim() === '')
  const at = (what: string) => ({ path: file.path, line: 1, what })
  return [
    ...(title.trim() === `# ${name}` ? [] : [at(`is not headed # ${name}`)]),
    ...(said.join() === headings.join() ? [] : [at(`has not the headings ${headings.join(', ')}`)]),
    ...(empty.length === 0 ? [] : [at('says nothing under a heading')]),
  ]
}

const find = (files: readonly File[]): Finding[] => {
  const builtIn = named(
    files.find(({ path }) => path === catalog),
    /^ {2}([A-Z]\w+): \{/gm,
  )
  const rules = named(
    files.find(({ path }) => path === prometheus),
    /^ +- alert: (\w+)/gm,
  )
  const runbooks = files.filter(({ path }) => isPage(path)).map((file) => ({ name: basename(file.path, '.md'), file }))
  const missing = (from: readonly Named[], among: readonly { readonly name: string }[], what: string) =>
    from.filter(({ name }) => !among.some((one) => one.name === name)).map(({ finding }) => finding(what))
  const alerts = [...builtIn, ...rules]
  return [
    ...missing(alerts, runbooks, 'has no page in docs/operate/runbooks'),
    ...missing(builtIn, rules, 'has no rule for Prometheus'),
    ...runbooks
      .filter(({ name }) => !alerts.some((alert) => alert.name === name))
      .map(({ file, name }) => ({ path: file.path, line: 1, what: `is about ${name}, which is no alert` })),
    ...runbooks.flatMap(({ file, name }) => wrongPage(file, name)),
  ]
}

const alertsHavePages: Rule = {
  name: 'alerts-have-pages',
  why: 'Whoever is woken at night by an alert needs to know what it means, whom it hurts, where to look and what to do.',
  covers: only(catalog, prometheus, pages),
  least: 17,
  find,
}

export const rulesOfAlerts: readonly Rule[] = [alertsHavePages]
