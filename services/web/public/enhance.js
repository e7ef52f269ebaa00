// What the pages do beyond HTML, when JavaScript is there: say when the network is gone, keep the focus sensible, send by
// Enter, copy a link, and ask again for parts when the server hints that something has changed.
const root = document.documentElement
root.classList.add('js')

const offline = (shown) => {
  const toast = document.getElementById('offline')
  if (toast) toast.hidden = !shown
}

// htmx is silent about a lost connection.
document.addEventListener('htmx:error', () => offline(true))
document.addEventListener('htmx:after:request', () => offline(false))

// A page that was exchanged in place: readers and keyboards go on at its content, unless something in it asked for the focus.
document.addEventListener('htmx:after:swap', (event) => {
  if (event.detail.ctx.target !== document.body) return
  listen()
  hint([...missed])
  if (stay !== null) return stayIn(stay)
  if (document.activeElement === null || document.activeElement === document.body) {
    document.getElementById('content')?.focus({ preventScroll: true })
  }
})

// Going to the page where one is already must not fill the history.
document.addEventListener('htmx:before:history:update', (event) => {
  const { history } = event.detail
  if (history.path === location.pathname + location.search) history.type = 'replace'
})

const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy)
  field.select()
  await navigator.clipboard.writeText(field.value)
  button.textContent = button.dataset.copied
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-copy]')
  if (button) void copy(button)
})

// Enter sends what is one field; the focus stays there for the next one. The button leads to the message instead.
let stay = null

document.addEventListener('keydown', (event) => {
  const field = event.target.closest?.('[data-enter-sends]')
  if (!field || event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  stay = field.id
  field.form.requestSubmit()
})
document.addEventListener('htmx:error', () => (stay = null))

const stayIn = (id) => {
  stay = null
  const said = document.querySelector('main [role="status"]')
  const field = document.getElementById(id)
  if (!field || !said) return
  field.focus()
  // Readers say what changes in a status, and not what came with it.
  const text = said.textContent
  said.textContent = ''
  setTimeout(() => (said.textContent = text), 100)
}

// One connection for each tab that is seen; a part of the page asks for itself when its topic is hinted at.
let source = null
let again = 0
// What was hinted at while the next page was on its way: it may have been written before.
const missed = new Set()

document.addEventListener('htmx:before:request', (event) => {
  if (event.detail.ctx.target === document.body) missed.clear()
})

/** Without topics: all of them. */
const hint = (topics = null) => {
  for (const part of document.querySelectorAll('[data-live]')) {
    if (topics === null || topics.some((topic) => part.dataset.live.split(' ').includes(topic)))
      htmx.trigger(part, 'hint')
  }
}

const hush = () => {
  clearTimeout(again)
  source?.close()
  source = null
}

const listen = () => {
  if (document.hidden || document.querySelector('[data-live]') === null) return hush()
  if (source !== null) return
  source = new EventSource('/live')
  // What was said before anybody listened, or while nobody did, is not said again.
  source.addEventListener('open', () => hint())
  source.addEventListener('hint', ({ data }) => {
    missed.add(data)
    hint([data])
  })
  source.addEventListener('over', hush)
  source.addEventListener('error', () => {
    if (source?.readyState !== EventSource.CLOSED) return
    hush()
    again = setTimeout(listen, 5_000 + Math.random() * 5_000)
  })
}

document.addEventListener('visibilitychange', listen)
document.addEventListener('DOMContentLoaded', listen)
