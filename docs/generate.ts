// Writes docs/configuration.md from the settings' schema. `npm run docs`; a test fails when the page is out of date.
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { settings } from '../config.ts'

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
  'anything else happens. This page is made from the schema in `config.ts` by `npm run docs`.',
  '',
  '| setting | default | what for |',
  '|---|---|---|',
  ...rows,
  '',
].join('\n')

export const configurationPath = new URL('configuration.md', import.meta.url)

if (import.meta.main) await writeFile(configurationPath, configurationPage)
