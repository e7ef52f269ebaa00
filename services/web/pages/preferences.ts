// The choice of language and colours, kept in cookies.
import { languageCookieName, lastingCookie, themeCookieName, themes } from '../cookies.ts'
import { localPath } from '../forms.ts'
import { Problem } from '../problem.ts'
import { openPost } from '../route.ts'
import { isLanguage } from '../texts/index.ts'

export const preferencesPage = [
  openPost('/preferences', (visit, form) => {
    const [language, theme] = [form.fields.get('language'), form.fields.get('theme')]
    const cookies = [
      ...(isLanguage(language) ? [lastingCookie(languageCookieName, language, visit.secure)] : []),
      ...themes.filter((each) => each === theme).map((each) => lastingCookie(themeCookieName, each, visit.secure)),
    ]
    if (cookies.length === 0) throw new Problem('badRequest')
    return visit.seeOther(localPath(form.fields.get('back')), null, cookies)
  }),
]
