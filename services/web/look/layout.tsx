// The whole document around a page: head, navigation, message, content, footer.
import type { ComponentChildren } from 'preact'
import { accountants, admins, everybody, managers, staff, type Role } from '../../vocabulary.ts'
import { themes, type Flash } from '../cookies.ts'
import { catalogs, languages, type Texts } from '../texts/index.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Visit } from '../visit.tsx'
import { Parrot } from './parrot.tsx'

interface DocumentProps {
  readonly visit: Visit
  readonly title: string
  readonly plain: boolean
  readonly children: ComponentChildren
}

/**
 * Words of htmx; refused and failed answers are whole pages and replace the page. What a reader has unfolded stays so when
 * the part around it is asked for again.
 */
const htmxConfig = JSON.stringify({
  includeIndicatorCSS: false,
  defaultTimeout: 30_000,
  morphIgnore: ['data-htmx-powered', 'open'],
})

export const Document = ({ visit, title, plain, children }: DocumentProps) => {
  const { texts, assets, theme, language, person } = visit
  const member = person !== null && !plain
  return (
    <html lang={language} data-theme={theme === 'system' ? undefined : `ates-${theme}`}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · ${texts.product}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content={theme === 'system' ? 'light dark' : theme} />
        <meta name="htmx-config" content={htmxConfig} />
        <link rel="icon" type="image/svg+xml" href={assets.address('favicon.svg')} />
        <link rel="stylesheet" href={assets.address('app.css')} />
        <script src={assets.address('htmx.js')} defer />
        <script src={assets.address('enhance.js')} defer />
      </head>
      <body class={member ? 'member' : 'guest'} hx-boost:inherited="true" hx-sync:inherited="body:replace">
        <a class="skip" href="#content">
          {texts.layout.skip}
        </a>
        {member ? <Header visit={visit} role={person.role} name={person.name} /> : <Masthead texts={texts} />}
        <main id="content" tabindex={-1}>
          {member && <Banner visit={visit} />}
          {visit.flash && (
            <p
              class={visit.flash.is === 'refused' ? 'flash flash-refused' : 'flash'}
              role="status"
              tabindex={-1}
              autofocus
            >
              {flashText(texts, visit.flash)}
            </p>
          )}
          <h1>{title}</h1>
          {children}
        </main>
        <Footer visit={visit} />
        <p id="offline" role="alert" hidden>
          {texts.layout.offline}
        </p>
      </body>
    </html>
  )
}

const flashText = (texts: Texts, flash: Flash): string => {
  if (flash.is === 'refused') return refusalText(texts, { refused: flash.refused, detail: flash })
  const say = texts.flash[flash.is] as (values: object) => string
  return say(flash)
}

/** Not on the operations page itself, which says it in full. */
const Banner = ({ visit: { watch, texts, url } }: { visit: Visit }) => {
  const { banner } = texts.operations
  if (watch === null || url.pathname === '/operations' || (watch.openAlerts === 0 && !watch.silent)) return null
  return (
    <aside class="banner" aria-label={banner.label}>
      <span>{watch.silent ? banner.silent : banner.alerts(watch.openAlerts)}</span>
      <a href="/operations">{banner.look}</a>
    </aside>
  )
}

const Masthead = ({ texts }: { texts: Texts }) => (
  <header class="masthead">
    <a class="brand" href="/" aria-label={texts.layout.home}>
      <Parrot size={48} />
      <span class="wordmark">{texts.product}</span>
    </a>
    <p class="tagline">{texts.tagline}</p>
  </header>
)

interface Place {
  readonly href: string
  readonly text: string
  readonly allow: readonly Role[]
}

interface Group {
  readonly text: string
  readonly places: readonly Place[]
}

const groupsOf = ({ navigation: words }: Texts): readonly Group[] => [
  {
    text: words.work,
    places: [
      { href: '/', text: words.myTasks, allow: everybody },
      { href: '/tasks', text: words.allTasks, allow: everybody },
      { href: '/reassign', text: words.reassign, allow: managers },
    ],
  },
  {
    text: words.money,
    places: [
      { href: '/account', text: words.account, allow: everybody },
      { href: '/accounts', text: words.accounts, allow: accountants },
    ],
  },
  {
    text: words.company,
    places: [
      { href: '/people', text: words.people, allow: admins },
      { href: '/operations', text: words.operations, allow: staff },
    ],
  },
  {
    text: words.guide,
    places: [
      { href: '/permissions', text: words.permissions, allow: everybody },
      { href: '/api', text: words.api, allow: everybody },
    ],
  },
]

const Header = ({ visit, role, name }: { visit: Visit; role: Role; name: string }) => {
  const { texts } = visit
  return (
    <header class="bar">
      <div class="bar-inner">
        <a class="brand" href="/" aria-label={texts.layout.home}>
          <Parrot size={32} />
          <span class="wordmark">{texts.product}</span>
        </a>
        <button type="button" class="menu-button" popovertarget="navigation">
          {texts.layout.menu}
        </button>
        <div id="navigation" class="side" popover="auto">
          <nav aria-label={texts.layout.navigation}>
            {groupsOf(texts).map((group) => (
              <NavigationGroup group={group} role={role} path={visit.url.pathname} />
            ))}
          </nav>
          <button type="button" class="quiet close" popovertarget="navigation" popovertargetaction="hide">
            {texts.layout.closeMenu}
          </button>
          <div class="who">
            <p>
              <a class="me" href="/me" aria-current={visit.url.pathname === '/me' ? 'page' : undefined}>
                {name}
              </a>
              <span>{texts.roles[role]}</span>
            </p>
            <form method="post" action="/sign-out" hx-boost="false">
              <button class="quiet">{texts.layout.signOut}</button>
            </form>
          </div>
        </div>
      </div>
    </header>
  )
}

const NavigationGroup = ({ group, role, path }: { group: Group; role: Role; path: string }) => {
  const open = group.places.filter(({ allow }) => allow.includes(role))
  if (open.length === 0) return null
  return (
    <section>
      <h2>{group.text}</h2>
      <ul>
        {open.map(({ href, text }) => (
          <li>
            <a href={href} aria-current={isAt(path, href) ? 'page' : undefined}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

const isAt = (path: string, href: string): boolean => path === href || (href !== '/' && path.startsWith(`${href}/`))

const Footer = ({ visit }: { visit: Visit }) => (
  <footer class="foot">
    <Preferences visit={visit} />
    <p>{visit.texts.layout.times(visit.formats.timeZone)}</p>
  </footer>
)

/** Language and colours are chosen by plain forms, so that they work without JavaScript and before sign-in. */
export const Preferences = ({ visit }: { visit: Visit }) => {
  const { texts, url } = visit
  return (
    <form method="post" action="/preferences" hx-boost="false" class="preferences">
      <input type="hidden" name="back" value={url.pathname + url.search} />
      <fieldset>
        <legend>{texts.layout.language}</legend>
        {languages.map((language) => (
          <button name="language" value={language} lang={language} aria-pressed={visit.language === language}>
            {catalogs[language].self}
          </button>
        ))}
      </fieldset>
      <fieldset>
        <legend>{texts.layout.theme}</legend>
        {themes.map((theme) => (
          <button name="theme" value={theme} aria-pressed={visit.theme === theme}>
            {texts.layout.themes[theme]}
          </button>
        ))}
      </fieldset>
    </form>
  )
}
