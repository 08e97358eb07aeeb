import { Failure } from '../../src/errors.ts'
import type { HeaderList, Send, UpstreamRequest, UpstreamResponse } from '../../src/ports.ts'
import { ArrivingBody } from './arriving-body.ts'
import { type Exchange, type Fault, isReadFirst, NEVER } from './exchange.ts'
import { fieldsOf, limitedByFault, limitedByFields, limitRefusal } from './fields.ts'
import { resourceOf } from './limits.ts'
import { WRITINGS } from './resources.ts'
import { type Asked, carryOut, refusedTruth, type Truth, truthOf } from './truth.ts'
import type { World } from './world.ts'

export interface UpstreamOptions {
  readonly world: World
  /** The run's one counter. */
  readonly tick: () => number
  /** Waits until the schedule lets this exchange take its next step. */
  readonly step: (what: string, exchange: Exchange) => Promise<void>
  /** Which of the links stated before are still good when this exchange arrives. */
  readonly goodLinks: (exchange: Exchange) => (string | undefined)[]
}

/** The model of GitHub, as something that can be asked. It keeps the whole history of what it was asked and said. */
export class Upstream {
  readonly exchanges: Exchange[] = []
  /** What will go wrong with the next exchanges, in this order. */
  readonly faults: Fault[] = []
  readonly #options: UpstreamOptions
  readonly #byKey = new Map<string, Exchange[]>()
  /** Credentials by gateway. */
  readonly #accepted = new Set<string>()
  readonly #everAccepted = new Set<string>()

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  of(key: string): readonly Exchange[] {
    return this.#byKey.get(key) ?? []
  }

  /** Whether a gateway has seen this credential accepted, and not refused since. */
  accepts(authorization: string | undefined, generation: number): boolean {
    const isAnonymous = authorization === undefined || authorization === 'anonymous'
    return isAnonymous || this.#accepted.has(`${generation} ${authorization}`)
  }

  /** Whether a gateway has ever seen the credential of an exchange accepted. */
  hasAccepted({ credential, generation }: Exchange): boolean {
    return this.#everAccepted.has(`${generation} ${credential}`)
  }

  /** The way upstream of one gateway. */
  readonly sendOf =
    (generation: number): Send =>
    (request) =>
      new Promise((resolve, reject) => {
        const { signal } = request
        // Nothing leaves for somebody who has gone.
        if (signal?.aborted === true) return reject(new Failure('client-gone'))
        const exchange = this.#begin(request, generation)
        let body: ArrivingBody | undefined
        const abort = () => {
          if (exchange.state === 'out') this.#end(exchange, 'aborted')
          else body?.fail(new Failure('client-gone'), 'aborted')
          // Does nothing once the answer has been handed over.
          reject(new Failure('client-gone'))
        }
        signal?.addEventListener('abort', abort)
        const answer = (response: UpstreamResponse & { body: ArrivingBody | null }) => {
          body = response.body ?? undefined
          resolve(response)
        }
        void this.#take(exchange, answer, reject)
      })

  #begin(request: UpstreamRequest, generation: number): Exchange {
    const field = (name: string) => lines(request.headers, name)
    const target = request.target.slice('/api/v3'.length)
    const asked: Asked = {
      method: request.method,
      target,
      authorization: field('authorization'),
      accept: field('accept'),
      apiVersion: field('x-github-api-version'),
    }
    const credential = asked.authorization ?? 'anonymous'
    const writing = WRITINGS.find((each) => each.method === request.method && each.target === target)
    const fault = this.faults[0]
    // A write that the upstream has acted on answers nothing else, and strangers take no part in what goes wrong.
    const isKnown = asked.authorization === undefined || !asked.authorization.includes('intruder')
    const applies = isKnown && (writing === undefined || (fault !== '202' && fault !== 'lie'))
    const { tick, world } = this.#options
    const exchange: Exchange = {
      number: this.exchanges.length,
      ordinal: this.of(keyOf(asked)).length,
      generation,
      asked,
      credential,
      owner: world.ownerOf(asked.authorization),
      resource: resourceOf(target),
      key: keyOf(asked),
      writing,
      noneMatch: field('if-none-match'),
      modifiedSince: field('if-modified-since'),
      accepted: this.#accepted.has(`${generation} ${credential}`),
      acceptedAfter: false,
      sentAt: tick(),
      sentTime: world.now,
      evaluatedAt: NEVER,
      arrivedAt: NEVER,
      arrivedTime: NEVER,
      endedAt: NEVER,
      endedTime: NEVER,
      state: 'out',
      fault: applies ? this.faults.shift() : undefined,
      truth: undefined,
      status: undefined,
      body: '',
      limited: undefined,
      stated: undefined,
      date: undefined,
      statesLink: false,
      confirmed: [],
      links: [],
      isAborted: () => request.signal?.aborted === true,
    }
    this.exchanges.push(exchange)
    const known = this.#byKey.get(exchange.key)
    if (known === undefined) this.#byKey.set(exchange.key, [exchange])
    else known.push(exchange)
    return exchange
  }

  async #take(
    exchange: Exchange,
    resolve: (response: UpstreamResponse & { body: ArrivingBody | null }) => void,
    reject: (failure: Failure) => void,
  ): Promise<void> {
    const { step, tick, world } = this.#options
    await step('evaluate', exchange)
    exchange.evaluatedAt = tick()
    const { fault } = exchange
    const isActedOn = fault !== 'refused' && fault !== 'lost' && fault !== 'reset'
    // A write is on its way even if the client that sent it has left.
    const response = isActedOn && (exchange.state === 'out' || exchange.writing) ? this.#evaluate(exchange) : undefined
    await step('answer', exchange)
    if (exchange.state !== 'out') return
    exchange.arrivedAt = tick()
    exchange.arrivedTime = world.now
    if (response === undefined || fault === 'lost late' || fault === 'reset late') {
      exchange.status = undefined
      this.#end(exchange, 'failed')
      reject(failureOf(fault))
      return
    }
    exchange.state = 'answered'
    const { status, asked } = exchange
    if (!isReadFirst(exchange)) this.#noteAccepted(exchange)
    const hasBody = asked.method !== 'HEAD' && status !== 304 && status !== 204 && exchange.body !== ''
    // What was stated before stays good for a while where nothing is stated.
    exchange.links.push(exchange.truth?.link, ...(exchange.statesLink ? [] : this.#options.goodLinks(exchange)))
    if (!hasBody) {
      if (fault === 'truncated') exchange.fault = undefined
      this.#end(exchange, 'complete')
    }
    const body = hasBody ? new ArrivingBody(exchange, { step, ended: (state) => this.#end(exchange, state) }) : null
    resolve({ ...response, body })
  }

  #end(exchange: Exchange, state: Exchange['state']): void {
    exchange.state = state
    exchange.endedAt = this.#options.tick()
    exchange.endedTime = this.#options.world.now
    if (state === 'complete' && isReadFirst(exchange)) this.#noteAccepted(exchange)
  }

  /** What the gateway has seen: of a refusal not before it has read the whole of it. */
  #noteAccepted(exchange: Exchange): void {
    const { status, credential, generation, asked } = exchange
    const name = `${generation} ${credential}`
    if (status === 401) this.#accepted.delete(name)
    else if (credential !== 'anonymous' && (status! < 300 || status === 304)) {
      this.#accepted.add(name)
      this.#everAccepted.add(name)
    }
    exchange.acceptedAfter = this.accepts(asked.authorization, generation)
  }

  #evaluate(exchange: Exchange): Omit<UpstreamResponse, 'body'> {
    const { world } = this.#options
    const { asked, writing, resource } = exchange
    const { limits, now } = world
    const payer = asked.authorization === undefined ? 'nobody' : world.tokenOf(asked.authorization)?.account
    const answered = (status: number, body: string, headers: string[]) => {
      exchange.status = status
      exchange.body = body
      exchange.date = headers.includes('date') ? Math.floor(now / 1000) * 1000 : undefined
      return { status, headers }
    }
    const byLimits = payer && limits.refusal(payer, resource, now)
    const limited = limitedByFault(exchange.fault) ?? byLimits
    if (limited !== undefined) {
      exchange.stated = limited === byLimits && payer ? limits.stated(payer, resource, now) : undefined
      const { status, body, headers } = limitRefusal(exchange, limited, world, exchange.stated)
      exchange.limited = asked.method === 'HEAD' ? limitedByFields(status, headers, limited) : limited
      exchange.truth = refusedTruth(world, asked, status, body)
      return answered(status, body, headers)
    }
    const truth = writing === undefined ? truthOf(world, asked) : carryOut(world, asked, writing)
    exchange.truth = truth
    // Somebody who is refused is told so, and not to come back later.
    if (exchange.fault === '202' && truth.status !== 200) exchange.fault = undefined
    const { fault } = exchange
    const charge = (cost: number) => {
      const charged = payer ?? (world.profile.limits.chargesAddress ? 'nobody' : undefined)
      if (charged === undefined) return undefined
      // Strangers are told of the budget of their address and use none of it, or it would be the upstream that lets them.
      if (exchange.owner !== 'intruder') limits.charge(charged, resource, cost, now)
      return limits.stated(charged, resource, now)
    }
    const error = (status: number, message: string) => {
      charge(1)
      return answered(status, `{"message":"${message}"}`, ['content-type', 'application/json; charset=utf-8'])
    }
    if (fault === '500') return error(500, 'Server Error')
    if (fault === '503') return error(503, 'Maintenance')
    const isConfirmed = truth.status === 200 && writing === undefined && this.#matches(exchange, truth)
    // A lie about a date cannot be told from the truth, and with a tag that was sent it is none.
    const isSaid = truth.tag !== undefined && exchange.noneMatch?.includes(truth.tag) === true
    const lies = fault === 'lie' && exchange.modifiedSince === undefined && !isSaid
    if (fault !== '202' && !isConfirmed && lies) {
      return answered(304, '', ['date', new Date(now).toUTCString(), 'etag', `"${truth.tag ?? 'new'}"`])
    }
    const is304 = isConfirmed && fault !== '202'
    exchange.stated = charge(is304 && payer !== 'nobody' ? 0 : 1)
    const fields = fieldsOf(truth, is304, world, exchange.stated)
    if (fault === '202') return answered(202, '{}', fields)
    if (!is304) {
      exchange.fault = fault === 'lie' ? undefined : fault
      exchange.statesLink = truth.status === 200
      return answered(truth.status, truth.body, fields)
    }
    const told = this.#toldWith(exchange, truth)
    exchange.confirmed = told.map(({ body }) => body)
    // A body that says how many items there are says which pages there are, whether it is still true or not.
    const stated = told.filter(({ body }) => body.includes('"total_count"') && body !== truth.body)
    exchange.links.push(...stated.map((each) => each.truth?.link))
    // That one is missing means something only to those who know that it never is.
    exchange.statesLink = world.profile.linkOn304 && truth.link !== undefined
    exchange.fault = fault === 'lie' || fault === 'truncated' ? undefined : fault
    return answered(304, '', fields)
  }

  #matches({ noneMatch, modifiedSince }: Exchange, { tag, lastModified }: Truth): boolean {
    if (noneMatch !== undefined) {
      if (tag === undefined) return false
      const held = this.#options.world.profile.readsLists ? noneMatch.split(/\s*,\s*/) : [noneMatch]
      return held.some((each) => opaque(each) === tag)
    }
    return modifiedSince !== undefined && lastModified !== undefined && lastModified <= Date.parse(modifiedSince)
  }

  /** What was sent for the same key with the validator that this exchange confirms. */
  #toldWith(exchange: Exchange, { tag }: Truth): Exchange[] {
    const { noneMatch, modifiedSince } = exchange
    const since = modifiedSince === undefined ? undefined : Date.parse(modifiedSince)
    return this.of(exchange.key)
      .filter((each) => each.status === 200 && each.state === 'complete' && each.asked.method === 'GET')
      .filter(({ truth }) => (noneMatch === undefined ? truth?.lastModified === since : truth?.tag === tag))
  }
}

/** Names a caller and everything that their answer depends on, but for conditions. */
export function keyOf({ authorization, target, accept, apiVersion }: Omit<Asked, 'method'>): string {
  return [authorization ?? 'anonymous', target, accept, apiVersion].join(' | ')
}

/** The part of a tag that weak comparison compares. */
export function opaque(tag: string): string {
  return tag.replace(/^(?:W\/)?"(.*)"$/, '$1')
}

function failureOf(fault: Fault | undefined): Failure {
  if (fault === 'refused') return new Failure('upstream-unreachable')
  return new Failure('upstream-reset', { onReusedConnection: fault === 'lost' || fault === 'lost late' })
}

function lines(headers: HeaderList, name: string): string | undefined {
  const values: string[] = []
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) values.push(headers[index + 1]!)
  return values.length === 0 ? undefined : values.join(', ')
}
