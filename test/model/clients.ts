import { Failure } from '../../src/errors.ts'
import type { Bindings } from '../../src/middleware/inbound/context.ts'
import type { Delivery, OutgoingAnswer } from '../../src/ports.ts'
import { NEVER } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import type { Judge } from './judge.ts'
import { ACCEPTS, CALLERS, type Command, type Holding } from './plan.ts'
import { field, type Reading } from './reading.ts'
import { RESOURCES, WRITINGS } from './resources.ts'
import { truthOf } from './truth.ts'
import { keyOf, type Upstream } from './upstream.ts'
import type { World } from './world.ts'

type Ask = Extract<Command, { kind: 'read' | 'write' }>

/** What a client keeps of an answer, to ask with the next time. */
interface Held {
  readonly tag: string | undefined
  readonly lastModified: string | undefined
}

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
  readonly #held = new Map<string, Held[]>()
  readonly #going: Going[] = []

  constructor(options: ClientsOptions) {
    this.#options = options
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
    const { scheme } = CALLERS[caller]!
    const token = this.#tokens.get(caller)
    const authorization = token === undefined ? undefined : `${scheme} ${token}`
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
    const { tags, date } = isRead ? this.#validators(command.holding, caller, place, shared) : NOTHING
    const reading: Reading = {
      name,
      generation,
      method,
      target: asked.target,
      credential: authorization ?? 'anonymous',
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
    const remember = (answer: OutgoingAnswer) => this.#remember(`${caller} ${place}`, answer)
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
  leave(request: number): void {
    const open = this.open().filter(({ reading }) => !reading.credential.includes('intruder'))
    if (open.length > 0) open[request % open.length]!.leave()
  }

  open(): readonly Going[] {
    return this.#going.filter(({ reading }) => reading.closedAt === NEVER && !reading.hasLeft)
  }

  #validators(
    holding: Holding,
    caller: number,
    place: string,
    asked: {
      readonly authorization: string | undefined
      readonly target: string
      readonly accept: string | undefined
      readonly apiVersion: string | undefined
    },
  ): { tags: readonly string[]; date: string | undefined } {
    const own = this.#held.get(`${caller} ${place}`) ?? []
    const latest = own.at(-1)
    const tagsOf = (...held: (Held | undefined)[]) =>
      held.flatMap((each) => (each?.tag === undefined ? [] : [each.tag]))
    switch (holding) {
      case 'nothing':
        return NOTHING
      case 'own':
        return { tags: tagsOf(latest), date: undefined }
      case 'older':
        return { tags: tagsOf(own[0]), date: undefined }
      case 'several':
        return { tags: [...new Set([...tagsOf(...own), '"garbage"'])], date: undefined }
      case 'of another': {
        const others = CALLERS.map((_, other) => this.#held.get(`${other} ${place}`)?.at(-1))
        return { tags: tagsOf(...others.filter((_, other) => other !== caller)).slice(0, 2), date: undefined }
      }
      case 'foreign': {
        const { tag } = truthOf(this.#options.world, { method: 'GET', ...asked })
        return { tags: tag === undefined ? [] : [`"${tag}"`], date: undefined }
      }
      case 'garbage':
        return { tags: ['"garbage"'], date: undefined }
      case 'date':
        return { tags: [], date: latest?.lastModified }
      case 'both':
        return { tags: tagsOf(latest), date: latest?.lastModified }
    }
  }

  #remember(name: string, { status, headers }: OutgoingAnswer): void {
    if (status !== 200) return
    const held = this.#held.get(name) ?? []
    this.#held.set(
      name,
      [...held, { tag: field(headers, 'etag'), lastModified: field(headers, 'last-modified') }].slice(-3),
    )
  }

  #bindings(
    reading: Reading,
    headers: readonly string[],
    remember: (answer: OutgoingAnswer) => void,
  ): { bindings: Bindings; leave: () => void } {
    const { tick, judge, fail, answered } = this.#options
    let controller: AbortController | undefined
    let stopReading: (() => void) | undefined

    const end = (answer: OutgoingAnswer, body: string, isWhole: boolean): Delivery => {
      reading.closedAt = tick()
      const { status } = answer
      reading.got = { status, headers: answer.headers, body, isWhole }
      if (!reading.hasLeft) {
        try {
          answered(reading, judge.judge(reading, reading.got))
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
        peerAddress: '127.0.0.1',
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

const NOTHING: { readonly tags: readonly string[]; readonly date: string | undefined } = { tags: [], date: undefined }

/** How a request is known in events and reports. */
export function requestId(name: string): string {
  return `request-${name}`
}
