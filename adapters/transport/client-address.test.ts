// Whom a request comes from, as a table: nobody can choose the address under which attempts are counted.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAddressBehind, proxiesOf } from './client-address.ts'

interface Case {
  readonly what: string
  readonly remote: string
  readonly forwarded: string | null
  readonly proxies?: readonly string[]
  readonly client: string
}

const cases: readonly Case[] = [
  { what: 'a direct request', remote: '203.0.113.7', forwarded: null, client: '203.0.113.7' },
  { what: 'a forged header, no proxy of ours', remote: '203.0.113.7', forwarded: '1.2.3.4', client: '203.0.113.7' },
  {
    what: 'a forged header from elsewhere than our proxy',
    remote: '203.0.113.7',
    forwarded: '1.2.3.4',
    proxies: ['10.0.0.1'],
    client: '203.0.113.7',
  },
  {
    what: 'our proxy',
    remote: '10.0.0.1',
    forwarded: '203.0.113.7',
    proxies: ['10.0.0.1'],
    client: '203.0.113.7',
  },
  {
    what: 'a forged header through our proxy, which appends',
    remote: '10.0.0.1',
    forwarded: '1.2.3.4, 203.0.113.7',
    proxies: ['10.0.0.0/8'],
    client: '203.0.113.7',
  },
  {
    what: 'two proxies of ours in a row',
    remote: '10.0.0.1',
    forwarded: '1.2.3.4, 203.0.113.7, 10.0.0.2',
    proxies: ['10.0.0.0/8'],
    client: '203.0.113.7',
  },
  { what: 'IPv4 on a dual-stack socket', remote: '::ffff:203.0.113.7', forwarded: null, client: '203.0.113.7' },
  {
    what: 'a proxy on a dual-stack socket',
    remote: '::ffff:10.0.0.1',
    forwarded: '203.0.113.7',
    proxies: ['10.0.0.1'],
    client: '203.0.113.7',
  },
  { what: 'IPv6', remote: 'fd00::1', forwarded: '2001:db8::5', proxies: ['fd00::/8'], client: '2001:db8::5' },
  { what: 'nonsense from our proxy', remote: '10.0.0.1', forwarded: 'x', proxies: ['10.0.0.1'], client: '10.0.0.1' },
  { what: 'nothing from our proxy', remote: '10.0.0.1', forwarded: null, proxies: ['10.0.0.1'], client: '10.0.0.1' },
  { what: 'no connection', remote: '', forwarded: '1.2.3.4', proxies: ['10.0.0.1'], client: '' },
]

describe('the address of a client', () => {
  for (const { what, remote, forwarded, proxies = [], client } of cases) {
    test(what, () => assert.equal(clientAddressBehind(proxiesOf(proxies))(remote, forwarded), client))
  }

  test('a proxy that is none is refused', () => {
    for (const wrong of ['proxy.example.com', '10.0.0.1/99', '']) assert.throws(() => proxiesOf([wrong]), wrong)
  })
})
