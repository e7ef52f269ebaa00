// Whose address a request comes from: the connection's, or what our own proxies say it was before them.
import { BlockList, isIP } from 'node:net'

/** An address without the wrapping that a dual-stack socket gives to IPv4; undefined when it is none. */
const plain = (address: string): string | undefined => {
  const bare = address.trim().replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(bare) === 0 ? undefined : bare
}

const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Our own proxies, as addresses or networks `10.0.0.0/8`. Throws when one is neither. */
export const proxiesOf = (given: readonly string[]): BlockList => {
  const proxies = new BlockList()
  for (const one of given) {
    const [address = '', bits] = one.split('/')
    if (isIP(address) === 0) throw new Error(`${one} is neither an address nor a network`)
    if (bits === undefined) proxies.addAddress(address, family(address))
    else proxies.addSubnet(address, Number(bits), family(address))
  }
  return proxies
}

/**
 * The last address in `X-Forwarded-For` that is none of our proxies. What stands before it was written by whoever sent
 * the request and may be anything. Without proxies of ours the header is not looked at.
 */
export const clientAddressBehind =
  (proxies: BlockList) =>
  (remote: string, forwardedFor: string | null): string => {
    let client = plain(remote) ?? ''
    const hops = (forwardedFor ?? '').slice(-1_000).split(',').toReversed()
    for (const hop of hops) {
      const before = plain(hop)
      if (client === '' || before === undefined || !proxies.check(client, family(client))) break
      client = before
    }
    return client
  }
