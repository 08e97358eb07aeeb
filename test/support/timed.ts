import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/index.ts'
import { rawRequest, type TestGateway, testGateway } from './gateway.ts'
import { type Ask, client } from './pair.ts'
import { type VirtualTime, virtualTime } from './virtual-time.ts'

/** What `/_weir/budgets` says, as far as tests look at it. */
export interface Budgets {
  readonly inFlight: number
  readonly waiting: number
  readonly paused: number
  readonly accounts: readonly {
    readonly account: string
    readonly accepted: boolean
    readonly inFlight: number
    readonly budgets: readonly {
      readonly resource: string
      readonly state: string
      readonly remaining: number | null
      readonly available: number | null
      readonly clients: readonly { readonly client: string; readonly name: string | null; readonly used: number }[]
    }[]
  }[]
}

/** A gateway in front of a sandbox, both by one virtual time. */
export interface Timed {
  readonly time: VirtualTime
  readonly sandbox: Sandbox
  readonly gateway: TestGateway
  /** Through the gateway, below `/api/v3`. */
  readonly ask: Ask
  budgets(): Promise<Budgets>
  close(): Promise<void>
}

export async function startTimed(
  switches: SandboxOptions['switches'],
  settings: Readonly<Record<string, string>> = {},
): Promise<Timed> {
  const time = virtualTime()
  const sandbox = await startSandbox({ clock: time.now, ...(switches === undefined ? {} : { switches }) })
  const gateway = await testGateway(
    { WEIR_UPSTREAM: sandbox.origin, WEIR_MANAGE_UPSTREAM: 'off', ...settings },
    { clock: time, scheduler: time },
  )
  return {
    time,
    sandbox,
    gateway,
    ask: client(gateway.api),
    budgets: async () => JSON.parse((await rawRequest(gateway.origin, '/_weir/budgets')).body.toString()) as Budgets,
    async close() {
      gateway.kill()
      await sandbox.close()
    },
  }
}
