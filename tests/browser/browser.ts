// The browser of the tests: an installed Chrome or Chromium, else the one that npm brings along for Linux on x64.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

type Environment = Readonly<Record<string, string | undefined>>

/** Where to look. */
export interface Surroundings {
  readonly environment: Environment
  readonly platform: string
  readonly arch: string
}

export interface OpenBrowser extends AsyncDisposable {
  readonly browser: Browser
  /** The program that was started. */
  readonly path: string
}

const names = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome']
const applications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Programs that may be a browser, best first; only the one that is asked for when one is. */
export const installedBrowsers = ({ environment, platform }: Surroundings): string[] => {
  const { ATES_TEST_BROWSER: asked = environment['CHROME_PATH'] } = environment
  if (asked) return [asked]
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const inPath = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...inPath, ...(platform === 'darwin' ? applications : [])].filter(isProgram)
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

interface Program {
  readonly path: string
  readonly environment: Environment
}

/** Everything of the browser goes to a folder of its own: profile, caches and what it would write into a home. */
const start = ({ path, environment }: Program, home: string): Promise<Browser> =>
  chromium.launch({
    executablePath: path,
    env: { ...environment, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    args: flags,
  })

/** The package unpacks into the folder for temporary files, and its libraries only where it believes to need them. */
const unpack = `
  const { default: chromium } = await import('@sparticuz/chromium')
  process.stdout.write(await chromium.executablePath())`

/** Whether npm brings one along for this machine. */
const isCarried = ({ platform, arch }: Surroundings): boolean => platform === 'linux' && arch === 'x64'

/** Unpacks the browser of @sparticuz/chromium into this folder, which takes seconds, and gives the program. */
const unpackInto = async (folder: string, environment: Environment): Promise<string> => {
  const { stdout: path } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', unpack], {
    cwd: import.meta.dirname,
    env: { ...environment, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
  })
  return path
}

/** Where somebody has unpacked it for several to use. */
const unpackedSetting = 'ATES_TEST_UNPACKED_BROWSER'

/** Unpacks it once for all who get these settings; none where an installed browser is used, or none is carried. */
export const unpackForAll = async (folder: string): Promise<Record<string, string>> => {
  const { env: environment, platform, arch } = process
  const around = { environment, platform, arch }
  if (installedBrowsers(around).length > 0 || !isCarried(around)) return {}
  await mkdir(folder)
  return { [unpackedSetting]: await unpackInto(folder, environment) }
}

/**
 * The browser of @sparticuz/chromium. Its own flags are left out: they put all pages into one process and switch off
 * what protects pages from each other, to which these tests must not be blind.
 */
const carried = async (folder: string, environment: Environment): Promise<Program> => {
  const path = environment[unpackedSetting] ?? (await unpackInto(folder, environment))
  const fonts = join(folder, 'fonts.conf')
  const dirs = [join(dirname(path), 'fonts'), '/usr/share/fonts'].map((dir) => `<dir>${dir}</dir>`).join('')
  await writeFile(fonts, `<?xml version="1.0"?><fontconfig>${dirs}<cachedir>${folder}/cache</cachedir></fontconfig>`)
  const libraries = join(dirname(path), 'al2023/lib')
  return { path, environment: { ...environment, LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: fonts } }
}

/** What may be started, best first, and what to call it where it fails. */
const candidates = (around: Surroundings, folder: string): [string, () => Promise<Program>][] => {
  const { environment } = around
  const isAsked = Boolean(environment['ATES_TEST_BROWSER'] ?? environment['CHROME_PATH'])
  const installed = installedBrowsers(around).map((path): [string, () => Promise<Program>] => [
    path,
    () => Promise.resolve({ path, environment }),
  ])
  if (isAsked || !isCarried(around)) return installed
  return [...installed, ['@sparticuz/chromium', () => carried(folder, environment)]]
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''

const howToGetOne =
  'No browser could be started: install Chrome or Chromium, or set ATES_TEST_BROWSER to the path of one'

/** Starts the first browser that works. Throws one line that says how to get one when none does. */
export const openBrowser = async ({
  environment = process.env,
  platform = process.platform,
  arch = process.arch,
}: Partial<Surroundings> = {}): Promise<OpenBrowser> => {
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-browser-'))
  const home = join(folder, 'home')
  await mkdir(home)
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 10 })
  const reasons: string[] = []
  for (const [name, find] of candidates({ environment, platform, arch }, folder)) {
    try {
      const program = await find()
      const browser = await start(program, home)
      return { browser, path: program.path, [Symbol.asyncDispose]: () => browser.close().then(remove) }
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`)
    }
  }
  await remove()
  throw new Error([howToGetOne, ...reasons].join('; '))
}
