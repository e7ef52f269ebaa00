// Writes docs/configuration.md from the settings' schema, and the table of alerts. `npm run docs`; a test fails when a
// page is out of date.
import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Alert, catalog } from '../services/operations/alerts/rules/catalog.ts'
import { settings } from '../settings.ts'

const defaultOf = (schema: z.core.$ZodType): string => {
  const { def } = schema._zod
  return def.type === 'default' ? `\`${String((def as unknown as { defaultValue: unknown }).defaultValue)}\`` : ''
}

const rows = Object.entries(settings.shape).map(([name, schema]) => {
  const { description = '' } = z.globalRegistry.get(schema) ?? {}
  return `| \`${name}\` | ${defaultOf(schema)} | ${description} |`
})

export const configurationPage = [
  '# Configuration',
  '',
  'aTES reads its settings from the environment. A wrong or unknown one stops it with one line each, all at once, before',
  'anything else happens. This page is made from the schema in `settings.ts` by `npm run docs`.',
  '',
  '| setting | default | what for |',
  '|---|---|---|',
  ...rows,
  '',
  'Where traces are on, the library of OpenTelemetry also reads `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, and of',
  '`OTEL_EXPORTER_OTLP_...` (or `OTEL_EXPORTER_OTLP_TRACES_...`) `HEADERS`, `TIMEOUT`, `COMPRESSION`, `CERTIFICATE`,',
  '`CLIENT_CERTIFICATE` and `CLIENT_KEY`, as its specification says.',
  '',
].join('\n')

export const configurationPath = new URL('configuration.md', import.meta.url)

const holdOf = ({ holdMs }: Alert): string => (holdMs === 0 ? 'at once' : `${holdMs / 1_000} s`)

const alerts = [
  '| alert | raised when | hold time | severity | why so |',
  '|---|---|---|---|---|',
  ...Object.entries<Alert>(catalog).map(
    ([name, alert]) =>
      `| [${name}](runbooks/${name}.md) | ${alert.when} | ${holdOf(alert)} | ${alert.severity} | ${alert.why} |`,
  ),
].join('\n')

export const alertsPath = new URL('operate/alerts.md', import.meta.url)

/** The page with the table as it should be. Throws when it has no place for it. */
export const withAlerts = (page: string): string => {
  const [before, after] = [/^<!-- made from .* -->$/m.exec(page), /^<!-- the end of what is made -->$/m.exec(page)]
  if (!before || !after) throw new Error('docs/operate/alerts.md has no place for the table of alerts')
  return `${page.slice(0, before.index + before[0].length)}\n\n${alerts}\n\n${page.slice(after.index)}`
}

if (import.meta.main) {
  await writeFile(configurationPath, configurationPage)
  await writeFile(alertsPath, withAlerts(await readFile(alertsPath, 'utf8')))
}
