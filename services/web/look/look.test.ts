// The colours have contrast, the mark is drawn once, and style sheets name files that exist.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parrotPaths } from './parrot.tsx'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

type Theme = ReadonlyMap<string, string>

const themesOf = (css: string): ReadonlyMap<string, Theme> =>
  new Map(
    [...css.matchAll(/name: '(ates-\w+)';([^}]*)/g)].map(([, name, body]) => [
      name!,
      new Map([...body!.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map(([, token, colour]) => [token!, colour!])),
    ]),
  )

/** Relative luminance and contrast by WCAG 2. */
const luminance = (colour: string): number => {
  const channel = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

const contrast = (a: string, b: string): number => {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

describe('colours', () => {
  const grounds = ['--color-base-100', '--color-base-200', '--color-tint', '--color-tint-warm']
  const texts = ['base-content', 'muted', 'primary', 'secondary', 'info', 'success', 'warning', 'error', 'in', 'out']
  const filled = ['primary', 'secondary', 'accent', 'neutral', 'info', 'success', 'warning', 'error']

  for (const [name, theme] of themesOf(read('./tokens.css'))) {
    test(`of ${name}: text on each ground has AA contrast`, () => {
      for (const ground of grounds) {
        for (const text of texts) {
          const ratio = contrast(theme.get(`--color-${text}`)!, theme.get(ground)!)
          assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`)
        }
      }
      for (const text of filled) {
        const ratio = contrast(theme.get(`--color-${text}-content`)!, theme.get(`--color-${text}`)!)
        assert.ok(ratio >= 4.5, `on ${text}: ${ratio.toFixed(2)}`)
      }
    })

    test(`of ${name}: borders of controls and the focus ring stand out`, () => {
      for (const ground of grounds.slice(0, 2)) {
        for (const line of ['line-strong', 'secondary']) {
          assert.ok(contrast(theme.get(`--color-${line}`)!, theme.get(ground)!) >= 3, `${line} on ${ground}`)
        }
      }
    })
  }

  test('exist in a light and a dark theme, and the check can fail', () => {
    assert.deepEqual([...themesOf(read('./tokens.css')).keys()], ['ates-light', 'ates-dark'])
    assert.ok(contrast('#9aa0a6', '#ffffff') < 4.5)
    assert.ok(Math.abs(contrast('#000000', '#ffffff') - 21) < 0.01)
  })
})

test('style sheets name files that exist, from where they are or from the folder of web', () => {
  const named = globSync('*.css', { cwd: import.meta.dirname }).flatMap((sheet) =>
    [...read(`./${sheet}`).matchAll(/[\w./-]+\.(?:tsx?|js|css)\b/g)].map(([path]) => path),
  )
  assert.ok(named.length > 0)
  for (const path of named)
    assert.ok(
      ['./', '../'].some((base) => existsSync(new URL(`${base}${path}`, import.meta.url))),
      path,
    )
})

test('the mark has at most five paths, and the favicon is the same drawing', () => {
  const paths = Object.values(parrotPaths)
  assert.ok(paths.length <= 5)
  assert.deepEqual(
    [...read('../public/favicon.svg').matchAll(/ d="([^"]+)"/g)].map(([, d]) => d),
    paths,
  )
})
