// What the repository must not remember: the machine it was written on, and where its packages came from.
import type { File } from '../project.ts'
import { type Finding, inEach, only, type Rule } from '../rule.ts'
import { lineAt } from '../syntax.ts'

const places = (file: File, pattern: RegExp, say: (found: string) => string): Finding[] =>
  [...file.text.matchAll(pattern)].map(({ 0: found, index }) => ({
    path: file.path,
    line: lineAt(file, index + (found.length - found.trimStart().length)),
    what: say(found.trim()),
  }))

/** Hosts that serve packages, whoever runs them. */
const hosts =
  /\b(?:registry|npm|packages|artifactory|nexus|verdaccio|pkgs?)\.(?:[\w-]+\.)+[a-z]{2,}\b|\b[\w.-]*npmmirror\.com\b/gi
/** Folders that are somebody's. `/var/lib`, `/srv`, `/etc` and `/tmp` are everybody's. */
const folders = /(?<![\w.~*}-])\/(?:home|Users|root|work|workspaces?|mnt)\/[\w.-]+/g

const noTraces: Rule = {
  name: 'no-traces',
  why: 'A clone must work on any machine, behind any mirror: nothing names the one it was written on.',
  covers: () => true,
  least: 150,
  find: inEach((file) => [
    ...places(file, hosts, (found) => `names the package host ${found}`),
    ...places(file, folders, (found) => `names the folder ${found}`),
  ]),
}

const dependencyGroups = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides']
const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/

const lineOfText = ({ text }: File, wanted: string): number =>
  lineAt({ text } as File, Math.max(0, text.indexOf(wanted)))

const ranges = (file: File): Finding[] => {
  const manifest = JSON.parse(file.text) as Record<string, Record<string, string> | undefined>
  return dependencyGroups
    .flatMap((group) => Object.entries(manifest[group] ?? {}))
    .filter(([, version]) => !exact.test(version))
    .map(([name, version]) => ({
      path: file.path,
      line: lineOfText(file, `"${name}"`),
      what: `${name} may be any of ${version}`,
    }))
}

const exactVersions: Rule = {
  name: 'exact-versions',
  why: 'Versions newer than the tested ones were found without the packages of all platforms, which breaks npm ci.',
  covers: only('package.json', '**/package.json'),
  least: 1,
  find: inEach(ranges),
}

const lockWithoutAddresses: Rule = {
  name: 'lock-without-addresses',
  why: 'The lock file says what to install and its hash; from where is the matter of who installs it.',
  covers: only('package-lock.json', '**/package-lock.json'),
  least: 1,
  find: inEach((file) => places(file, /"resolved":\s*"[^"]*"/g, () => 'says where a package comes from')),
}

export const rulesOfRepository: readonly Rule[] = [noTraces, exactVersions, lockWithoutAddresses]
