import { BlockList, isIP } from 'node:net'

/** One node of the instance. */
export interface Node {
  hostname: string
  uuid: string
  clusterRoles: readonly string[]
  /** The replica takes no requests and has no maintenance mode of its own. */
  role: 'primary' | 'replica'
}

export const NODES: readonly Node[] = [
  {
    hostname: 'ghe-local-primary',
    uuid: '1b6cf518-f97c-11ed-8544-061d81f7eedb',
    clusterRoles: [
      'ConsulServer',
      'GitServer',
      'JobServer',
      'MysqlServer',
      'RedisServer',
      'StorageServer',
      'WebServer',
    ],
    role: 'primary',
  },
  {
    hostname: 'ghe-local-replica',
    uuid: '228406d4-f97c-11ed-ab01-062281bbcf03',
    clusterRoles: ['ConsulServer', 'ElasticsearchServer', 'PagesServer', 'StorageServer'],
    role: 'replica',
  },
]

/** What can be asked of maintenance mode. Times are epoch milliseconds. */
export interface MaintenanceRequest {
  enabled: boolean
  /** Null: now. */
  when: number | null
  exceptions: readonly string[]
  message: string
}

/** Maintenance mode: off, then scheduled or on; a schedule turns into on when its time comes; anything can be unset. */
export class Maintenance {
  private readonly clock: () => number
  private request: MaintenanceRequest | null = null

  constructor(clock: () => number) {
    this.clock = clock
  }

  set(request: MaintenanceRequest): void {
    this.request = request.enabled ? request : null
  }

  get status(): 'off' | 'scheduled' | 'on' {
    if (this.request === null) return 'off'
    return this.request.when === null || this.request.when <= this.clock() ? 'on' : 'scheduled'
  }

  /** When a scheduled mode begins; null where none is scheduled. */
  get scheduledTime(): number | null {
    return this.status === 'scheduled' ? (this.request?.when ?? null) : null
  }

  get exceptions(): readonly string[] {
    return this.request?.exceptions ?? []
  }

  /** Whether a request from this address is turned away. Addresses and networks on the exception list are not. */
  refuses(address: string): boolean {
    if (this.status !== 'on') return false
    const plain = address.replace(/^::ffff:/, '')
    const exempt = new BlockList()
    for (const exception of this.exceptions) {
      const [network = '', prefix] = exception.split('/')
      const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
      if (prefix === undefined) exempt.addAddress(network, family)
      else exempt.addSubnet(network, Number(prefix), family)
    }
    return !exempt.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }

  get message(): string {
    return this.request?.message ?? ''
  }
}
