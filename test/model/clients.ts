import { Failure } from '../../src/errors.ts'
import type { Bindings } from '../../src/middleware/inbound/context.ts'
import type { Delivery, OutgoingAnswer } from '../../src/ports.ts'
import { NEVER } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { Holdings, NOTHING } from './holdings.ts'
import type { Judge } from './judge.ts'
import { resourceOf } from './limits.ts'
import { ACCEPTS, type App, CALLERS, type Command } from './plan.ts'
import type { Reading } from './reading.ts'
import { RESOURCES, WRITINGS } from './resources.ts'
import { keyOf, type Upstream } from './upstream.ts'
import { authorizationOf, type World } from './world.ts'

type Ask = Extract<Command, { kind: 'read' | 'write' }>

interface Going {
  readonly reading: Reading
  readonly leave: () => void
}

export interface ClientsOptions {
  readonly world: World
  readonly upstream: Upstream
  readonly judge: Judge
  readonly gateway: () => { readonly answer: Gateway; readonly generation: number }
  readonly tick: () => number
  readonly focus: readonly number[]
  readonly fail: (thrown: unknown) => void
  /** A client has its answer, and by which rule it may. */
  readonly answered: (reading: Reading, source: string) => void
}

const RESPONSE = new Response(null)
const decoder = new TextDecoder()

/** The apps behind the gateway: they ask, remember validators, leave, and hand what they get to the judge. */
export class Clients {
  readonly readings: Reading[] = []
  readonly #options: ClientsOptions
  readonly #tokens = new Map<number, string>()
  readonly #holdings: Holdings
  readonly #going: Going[] = []

  constructor(options: ClientsOptions) {
    this.#options = options
    this.#holdings = new Holdings(options.world)
    for (let caller = 0; caller < CALLERS.length; caller++) this.rotate(caller, false)
  }

  /** A new token for a caller. */
  rotate(caller: number, revokes: boolean): void {
    const { world } = this.#options
    const { account } = CALLERS[caller]!
    if (account === 'nobody') return
    const before = this.#tokens.get(caller)
    if (before !== undefined && revokes) world.tokens.delete(before)
    this.#tokens.set(caller, account === 'intruder' ? 'intruder-token' : world.issue(account))
  }

  /** The caller goes on with a token that is not accepted any longer, or again. */
  revoke(caller: number): void {
    const { tokens } = this.#options.world
    const { account } = CALLERS[caller]!
    const text = this.#tokens.get(caller)
    if (text === undefined || account === 'nobody' || account === 'intruder') return
    if (!tokens.delete(text)) tokens.set(text, { account, scopes: 0 })
  }

  tokenOf(caller: number): string | undefined {
    return this.#tokens.get(caller)
  }

  /**
   * @param caller which of `CALLERS`
   * @param name of the request
   */
  ask(command: Ask, caller: number, name: string): void {
    const { world, upstream, judge, tick, focus } = this.#options
    const { answer: gateway, generation } = this.#options.gateway()
    const { scheme, account: owner } = CALLERS[caller]!
    const token = this.#tokens.get(caller)
    const authorization = token === undefined ? undefined : authorizationOf(scheme, owner, token)
    const isRead = command.kind === 'read'
    const asked = isRead ? RESOURCES[focus[command.resource % focus.length]!]! : WRITINGS[command.writing]!
    const isFile = isRead && asked.target.includes('/contents/')
    const accept = isRead ? ACCEPTS[!isFile && command.accept === 3 ? 0 : command.accept] : undefined
    const apiVersion = isRead && command.apiVersion ? '2099-01-01' : undefined
    const method = isRead ? command.method : WRITINGS[command.writing]!.method
    const shared = { authorization, target: asked.target, accept, apiVersion }
    const place = [asked.target, accept, apiVersion].join(' ')
    const key = keyOf(shared)
    const isJson = accept?.includes('raw') !== true
    const { tags, date } = isRead ? this.#holdings.validators(command.holding, caller, place, shared) : NOTHING
    const reading: Reading = {
      name,
      generation,
      method,
      target: asked.target,
      credential: authorization ?? 'anonymous',
      owner,
      app: command.app,
      resource: resourceOf(asked.target),
      key,
      directive: isRead ? command.directive : undefined,
      tags,
      modifiedSince: date === undefined ? undefined : Date.parse(date),
      isJson,
      repository: asked.repository,
      byId: asked.byId === true,
      isWrite: !isRead,
      startedAt: tick(),
      startedTime: world.now,
      floor: judge.seen(key, generation),
      accepted: upstream.accepts(authorization, generation),
      closedAt: NEVER,
      closedTime: NEVER,
      hasLeft: false,
      answers: [],
      got: undefined,
      events: [],
    }
    const fields = ['host', 'weir.example', 'x-request-id', requestId(name)]
    const put = (name: string, value: string | undefined) => {
      if (value !== undefined) fields.push(name, value)
    }
    put('authorization', authorization)
    put('accept', accept)
    put('x-github-api-version', apiVersion)
    put('if-none-match', tags.length === 0 ? undefined : tags.join(', '))
    put('if-modified-since', date)
    put('cache-control', reading.directive)
    this.readings.push(reading)
    judge.begins(reading)
    const remember = (answer: OutgoingAnswer) => this.#holdings.remember(caller, place, answer)
    const { bindings, leave } = this.#bindings(reading, fields, remember)
    this.#going.push({ reading, leave })
    try {
      const answer = gateway(bindings)
      if (answer instanceof Promise) answer.catch(this.#options.fail)
    } catch (thrown) {
      this.#options.fail(thrown)
    }
  }

  /** The client of one of the open requests leaves, counted round; never a stranger's. */
  leave(request: number): Reading | undefined {
    const open = this.open().filter(({ reading }) => reading.owner !== 'intruder')
    const one = open[request % open.length]
    one?.leave()
    return one?.reading
  }

  open(): readonly Going[] {
    return this.#going.filter(({ reading }) => reading.closedAt === NEVER && !reading.hasLeft)
  }

  #bindings(
    reading: Reading,
    headers: readonly string[],
    remember: (answer: OutgoingAnswer) => void,
  ): { bindings: Bindings; leave: () => void } {
    const { tick, world, judge, fail, answered } = this.#options
    let controller: AbortController | undefined
    let stopReading: (() => void) | undefined

    const end = (answer: OutgoingAnswer, body: string, isWhole: boolean): Delivery => {
      reading.closedAt = tick()
      reading.closedTime = world.now
      const { status } = answer
      reading.got = { status, headers: answer.headers, body, isWhole, time: world.now }
      if (!reading.hasLeft) {
        try {
          answered(reading, judge.judge(reading, reading.got, reading.closedAt))
          if (isWhole) remember(answer)
        } catch (thrown) {
          fail(thrown)
        }
      }
      return { bytes: body.length, aborted: !isWhole }
    }

    async function readAll(answer: OutgoingAnswer, body: AsyncIterable<Uint8Array>): Promise<Delivery> {
      const iterator = body[Symbol.asyncIterator]()
      const left = new Promise<IteratorResult<Uint8Array>>((resolve) => {
        stopReading = () => resolve({ done: true, value: undefined })
      })
      if (reading.hasLeft) stopReading?.()
      let text = ''
      try {
        for (;;) {
          const { done, value } = await Promise.race([left, iterator.next()])
          if (done === true) break
          text += decoder.decode(value)
        }
      } catch {
        return end(answer, text, false)
      }
      if (reading.hasLeft) iterator.return?.().catch(fail)
      return end(answer, text, !reading.hasLeft)
    }

    const deliver: Bindings['deliver'] = (answer) => {
      reading.answers.push(answer)
      const { body, status } = answer
      const isBodiless = status === 204 || status === 304 || reading.method === 'HEAD'
      if (body === null || body instanceof Uint8Array) {
        const text = body === null || reading.method === 'HEAD' ? '' : decoder.decode(body)
        return { response: RESPONSE, delivered: end(answer, text, true) }
      }
      if (!isBodiless) return { response: RESPONSE, delivered: readAll(answer, body) }
      body[Symbol.asyncIterator]().return?.().catch(fail)
      return { response: RESPONSE, delivered: end(answer, '', true) }
    }

    const bindings: Bindings = {
      inbound: {
        method: reading.method,
        target: `/api/v3${reading.target}`,
        headers,
        body: null,
        bodyLength: undefined,
        peerAddress: reading.owner === 'intruder' ? STRANGERS_ADDRESS : ADDRESSES[reading.app],
        encrypted: true,
        signal() {
          if (controller === undefined) {
            controller = new AbortController()
            if (reading.hasLeft) controller.abort(new Failure('client-gone'))
          }
          return controller.signal
        },
      },
      deliver,
    }
    const leave = () => {
      reading.hasLeft = true
      controller?.abort(new Failure('client-gone'))
      stopReading?.()
    }
    return { bindings, leave }
  }
}

const ADDRESSES: Record<App, string> = { 0: '127.0.0.1', 1: '10.0.0.1' }
/** Whoever shares an address shares its place among those who wait and are not accepted yet. */
const STRANGERS_ADDRESS = '10.0.0.2'

/** How a request is known in events and reports. */
export function requestId(name: string): string {
  return `request-${name}`
}
