// What the pages do beyond HTML, when JavaScript is there: say when the network is gone, keep the focus sensible, copy a link.
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
