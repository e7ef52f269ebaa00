// The pages about alerts, as they stand in docs/operate/runbooks: an alert links to them wherever aTES runs.
import { readFile } from 'node:fs/promises'

const folder = new URL('../../docs/operate/runbooks/', import.meta.url)

export interface Runbook {
  readonly sections: readonly { readonly heading: string; readonly text: string }[]
}

/** Null when there is no alert of this name. */
export const readRunbook = async (name: string): Promise<Runbook | null> => {
  if (!/^[A-Z][A-Za-z]{1,50}$/.test(name)) return null
  const text = await readFile(new URL(`${name}.md`, folder), 'utf8').catch(() => null)
  if (text === null) return null
  const sections = text.split(/^## /m).slice(1)
  return {
    sections: sections.map((section) => {
      const [heading = '', ...lines] = section.split('\n')
      return { heading, text: lines.join('\n').trim() }
    }),
  }
}
