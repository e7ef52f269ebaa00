// Which browser the tests use, and what they say when there is none.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { installedBrowsers, openBrowser, type Surroundings } from './browser.ts'

/** A folder with programs of these names, none of which is a browser. */
const pretenders = async (...names: readonly string[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-'))
  for (const name of names) {
    await writeFile(join(folder, name), '#!/bin/sh\nexit 1\n')
    await chmod(join(folder, name), 0o755)
  }
  const within: Surroundings = { environment: { PATH: folder }, platform: 'linux', arch: 'x64' }
  return { folder, within, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

test('installed ones are found by name, Chrome before Chromium, wherever they are in PATH', async () => {
  await using one = await pretenders('chromium', 'chromium-browser', 'firefox')
  await using two = await pretenders('google-chrome')
  const environment = { PATH: `${one.folder}::${two.folder}:/nowhere` }
  assert.deepEqual(installedBrowsers({ ...one.within, environment }), [
    join(two.folder, 'google-chrome'),
    join(one.folder, 'chromium'),
    join(one.folder, 'chromium-browser'),
  ])
})

test('the one that is asked for is the only one', async () => {
  await using one = await pretenders('chromium')
  const asked = (settings: object) =>
    installedBrowsers({ ...one.within, environment: { ...one.within.environment, ...settings } })
  assert.deepEqual(asked({ CHROME_PATH: '/opt/chrome' }), ['/opt/chrome'])
  assert.deepEqual(asked({ CHROME_PATH: '/opt/chrome', ATES_TEST_BROWSER: '/opt/mine' }), ['/opt/mine'])
  await assert.rejects(openBrowser({ ...one.within, environment: { ATES_TEST_BROWSER: '/opt/mine' } }), (error) => {
    assert(error instanceof Error)
    assert.match(error.message, /^No browser could be started: install Chrome .*; \/opt\/mine: [^\n]+$/)
    return true
  })
})

test('without one, where npm brings none, a line says how to get one', async () => {
  await using none = await pretenders()
  await assert.rejects(openBrowser({ ...none.within, arch: 'arm64' }), {
    message: 'No browser could be started: install Chrome or Chromium, or set ATES_TEST_BROWSER to the path of one',
  })
})

/** Libraries of the process that runs this program. */
const librariesOf = async (program: string): Promise<string> => {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const path = await readlink(`/proc/${pid}/exe`).catch(() => '')
    if (path === program) return readFile(`/proc/${pid}/maps`, 'utf8')
  }
  throw new Error(`${program} does not run`)
}

const isCarried = process.platform === 'linux' && process.arch === 'x64'

test('what looks like a browser and is none gives way to the one from npm, which brings its libraries', async (t) => {
  await using stub = await pretenders('chromium')
  if (!isCarried) {
    t.diagnostic('npm brings none for this machine: checked that the line says what failed')
    const here = { platform: process.platform, arch: process.arch }
    await assert.rejects(openBrowser({ ...stub.within, ...here }), /^Error: No browser could be started: .*chromium: /)
    return
  }
  let folder = ''
  {
    await using opened = await openBrowser(stub.within)
    folder = dirname(opened.path)
    const page = await opened.browser.newPage()
    await page.goto('data:text/html,<p id=p></p><script>p.textContent = [1, 2, 3].map((n) => n * 2)</script>')
    assert.equal(await page.textContent('p'), '2,4,6')
    const width = await page.evaluate<number>(`
      const range = document.createRange()
      range.selectNodeContents(document.querySelector('p'))
      range.getBoundingClientRect().width`)
    assert.ok(width > 10, 'text is shown')
    assert.match(await librariesOf(opened.path), new RegExp(`${folder}/al2023/lib/libnss3`))
  }
  await assert.rejects(readdir(folder), { code: 'ENOENT' })
})
