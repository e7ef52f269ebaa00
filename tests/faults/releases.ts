// Versions of aTES that tests run side by side: this one, and overlays of it.
import type { Decorations } from '../../application.ts'
import { earlierCalls, earlierService } from './earlier-release.ts'
import { nextRelease } from './next-release.ts'

export type Release = 'earlier' | 'today' | 'next'

export const releases: Readonly<Record<Release, Pick<Decorations, 'service' | 'transport'>>> = {
  earlier: { service: earlierService, transport: earlierCalls },
  today: {},
  next: { service: nextRelease },
}

/** The setting of a test's entry that says which of them it is. */
export const releaseSetting = 'ATES_TEST_RELEASE'

/** Today's where nothing is said. */
export const releaseIn = (environment: Readonly<Record<string, string | undefined>>): Release => {
  const { [releaseSetting]: named = 'today' } = environment
  if (!Object.hasOwn(releases, named)) throw new Error(`there is no release ${named}`)
  return named as Release
}
