// A process that is told that people reach it by https: browsers never come back without it, nor send it cookies otherwise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import { sharedSettings } from '../support/application.ts'
import { silent } from '../support/silent.ts'

/** Web alone, which needs nothing of the others for these pages. */
const startWeb = async (publicUrl: string) => {
  const addresses = ['IDENTITY', 'TASK_TRACKER', 'ACCOUNTING', 'OPERATIONS'].map((name) => [
    `ATES_${name}_URL`,
    'http://127.0.0.1:1',
  ])
  const settings = { ...Object.fromEntries(addresses), ...(await sharedSettings()), ATES_PORT: '0' }
  const config = readConfig(['web'], { ...settings, ATES_PUBLIC_URL: publicUrl })
  return startApplication({ config, log: silent })
}

const answersOf = async (publicUrl: string) => {
  await using application = await startWeb(publicUrl)
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${application.url}${path}`, { redirect: 'manual', ...init })
  const origin = publicUrl.startsWith('https') ? (application.url ?? '').replace('http:', 'https:') : application.url
  const headers = { origin: origin ?? '', 'content-type': 'application/x-www-form-urlencoded' }
  const left = await send('/sign-out', { method: 'POST', headers, body: '' })
  const answers = await Promise.all(['/sign-in', '/nowhere', '/api/v1/identity/me'].map((path) => send(path)))
  return {
    transport: [left, ...answers].map((answer) => answer.headers.get('strict-transport-security')),
    cookie: left.headers.getSetCookie().find((cookie) => cookie.includes('session')) ?? '',
  }
}

test('by https it demands https, and keeps sessions in cookies of this host alone', async () => {
  const { transport, cookie } = await answersOf('https://ates.example')
  assert.deepEqual(transport, Array(4).fill('max-age=31536000'))
  assert.match(cookie, /^__Host-ates_session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/)
})

test('by http it does not, or nobody would come in', async () => {
  const { transport, cookie } = await answersOf('http://ates.example')
  assert.deepEqual(transport, Array(4).fill(null))
  assert.match(cookie, /^ates_session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/)
})
