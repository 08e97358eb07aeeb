import type fc from 'fast-check'
import { checkEnd, refuseAbandoned } from './checks.ts'
import { Clients, requestId } from './clients.ts'
import { type Exchange, NEVER } from './exchange.ts'
import { type Gateway, HandTime, startGateway } from './gateway.ts'
import { Judge, Violation } from './judge.ts'
import { CALLERS, COLLECTIONS, type Command, type Plan, THINGS } from './plan.ts'
import type { Reading } from './reading.ts'
import { refuseHammering } from './restraint.ts'
import { isWrittenBetween, linkLifetime } from './rules.ts'
import { Upstream } from './upstream.ts'
import { World } from './world.ts'

export interface RunOptions {
  /** Leaves out what strangers ask. */
  readonly withoutStrangers?: boolean
  /** Strangers' exchanges take their next step only when the plan releases them, and at the end. */
  readonly holdsStrangers?: boolean
}

/** Everything that happened. */
export interface Ran {
  readonly readings: readonly Reading[]
  readonly exchanges: readonly Exchange[]
  /** How answers came about: the judge's rules and the gateway's own words, counted. */
  readonly tally: ReadonlyMap<string, number>
  /** For each reading, after how many steps of the schedule it was over. */
  readonly durations: ReadonlyMap<Reading, number>
}

/** Longer than every bounded wait, ms. */
const LONG = 600_000

/**
 * Lets a plan happen, with the schedule deciding about everything that is under way.
 *
 * @throws Violation
 */
export async function run(plan: Plan, schedule: fc.Scheduler, options: RunOptions = {}): Promise<Ran> {
  const problems: unknown[] = []
  const unheard = (reason: unknown) => void problems.push(reason)
  process.on('unhandledRejection', unheard)
  try {
    return await perform(plan, schedule, options, problems)
  } finally {
    process.off('unhandledRejection', unheard)
  }
}

/** @param problems what came to light elsewhere */
async function perform(plan: Plan, schedule: fc.Scheduler, options: RunOptions, problems: unknown[]): Promise<Ran> {
  const world = new World(plan.profile)
  const time = new HandTime(() => world.now)
  let ticks = 0
  const tick = () => ++ticks
  let stepsTaken = 0
  const fail = (thrown: unknown) => void problems.push(thrown)
  const held: { readonly exchange: Exchange; readonly go: () => void }[] = []
  const background = new Set<Promise<void>>()
  let backgroundBegun = 0
  const tally = new Map<string, number>()
  const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1)
  const durations = new Map<Reading, number>()

  const upstream = new Upstream({
    world,
    tick,
    step(what, exchange) {
      const isStalled = exchange.fault === 'stall' && what === 'evaluate'
      const isStrangers = options.holdsStrangers === true && isStranger(exchange.credential)
      if (!isStalled && !isStrangers) return schedule.schedule(Promise.resolve(), `${what} ${exchange.number}`)
      return new Promise((go) => held.push({ exchange, go }))
    },
    goodLinks: (exchange) => goodLinks(exchange, upstream, world.now, readOf(exchange)),
  })
  const judge = new Judge(upstream, world, plan.settings, plan.store === 'later')
  const readOf = ({ key, generation }: Exchange) => ({
    ...clients.readings.find((reading) => reading.key === key)!,
    generation,
  })
  const clients: Clients = new Clients({
    world,
    upstream,
    judge,
    tick,
    fail,
    focus: plan.focus,
    gateway: () => gateway,
    answered(reading, source) {
      count(`by rule: ${source}`)
      durations.set(reading, stepsTaken)
    },
  })
  const start = (generation: number): Gateway =>
    startGateway({
      ...plan,
      time,
      send: upstream.sendOf(generation),
      storeStep: plan.store === 'at once' ? undefined : (what) => schedule.schedule(Promise.resolve(), what),
      recorded({ requestId: id, outcome, upstream: { requests }, failure }) {
        const reading = clients.readings.find(({ name }) => requestId(name) === id)
        reading?.events.push({ outcome, requests, failure })
        count(`outcome: ${outcome}`)
      },
      failed(id, failure) {
        if (failure.tag === 'internal') fail(new Violation(`${id} failed inside: ${String(failure.cause)}`))
      },
      background(work) {
        backgroundBegun++
        background.add(work)
        work.then(() => background.delete(work), fail)
      },
    })
  let gateway = { answer: start(0), generation: 0 }

  /** Lets everything happen that needs nobody's leave, and reports what went wrong. */
  const settle = async () => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (problems.length > 0) throw problems[0]
    if (background.size === 0) refuseAbandoned(upstream, clients)
  }
  const go = async (steps: number) => {
    for (let step = 0; step < steps && schedule.count() > 0; step++) {
      await schedule.waitNext(1)
      stepsTaken++
      await settle()
    }
  }
  /** Lets time pass, and everything happen that waits for it. */
  const pass = async (milliseconds: number, then?: () => Promise<void>) => {
    const until = world.now + milliseconds
    while (time.next <= until) {
      world.now = Math.max(world.now, time.next)
      time.runNext()
      await settle()
      await then?.()
    }
    world.now = until
  }
  /** Until nothing moves but what is held back and what waits for time to pass. */
  const goOn = async () => {
    await go(Number.POSITIVE_INFINITY)
    for (const { reading } of clients.open()) {
      if (held.some(({ exchange }) => mayWaitFor(exchange, reading, upstream))) continue
      if (time.next < NEVER && judge.mayBeKeptBack(reading, ticks)) continue
      throw new Violation(`request ${reading.name} waits for nothing that is under way`)
    }
  }
  const release = async () => {
    for (const { go } of held.splice(0)) go()
    await settle()
  }

  const caller = (command: { readonly caller: number }) => plan.cast[command.caller % plan.cast.length]!
  const happen = async (command: Command, index: number) => {
    switch (command.kind) {
      case 'read':
        for (let time = 0; time < command.times; time++) clients.ask(command, caller(command), `${index}.${time}`)
        return
      case 'write':
        return clients.ask(command, caller(command), `${index}`)
      case 'leave': {
        const left = clients.leave(command.request)
        await settle()
        const isGone = left === undefined || left.closedAt < NEVER || plan.store === 'later'
        if (!isGone) throw new Violation(`request ${left.name} goes on although its client has left`)
        return
      }
      case 'allow':
        return world.allow(command.account, command.repository, command.level)
      case 'change':
        return world.change(THINGS[command.thing]!, { value: command.value })
      case 'grow': {
        const name = COLLECTIONS[command.thing]!
        return world.change(name, { items: command.items + (name === 'tags' ? 27 : 0) })
      }
      case 'rotate':
        return clients.rotate(caller(command), command.revokes)
      case 'revoke':
        return clients.revoke(caller(command))
      case 'rescope': {
        const token = world.tokens.get(clients.tokenOf(caller(command)) ?? '')
        if (token !== undefined) token.scopes++
        return
      }
      case 'fault':
        return void upstream.faults.push(command.fault)
      case 'leave over': {
        const { account } = CALLERS[caller(command)]!
        if (account !== 'intruder') world.limits.leave(account, command.resource, command.left, world.now)
        return
      }
      case 'slow down': {
        const { account } = CALLERS[caller(command)]!
        if (account !== 'intruder') world.limits.slowDown(account, command.milliseconds, command.hint, world.now)
        return
      }
      case 'flip':
        world.rule = command.rule
        return
      case 'wait':
        return pass(command.milliseconds)
      case 'rest':
        return goOn()
      case 'restart':
        gateway = { answer: start(gateway.generation + 1), generation: gateway.generation + 1 }
        return
      case 'release':
        return release()
    }
  }

  for (const [index, command] of plan.commands.entries()) {
    // Never two at the same moment: what they wait for would end at the same moment too, in whichever order.
    world.now++
    const isStrangers =
      (command.kind === 'read' || command.kind === 'write') && isStranger(CALLERS[caller(command)]!.account)
    if (isStrangers && options.withoutStrangers === true) continue
    await happen(command, index)
    await settle()
    if (!isStrangers || options.holdsStrangers !== true) await go(command.steps)
  }
  // A bounded wait ends; what the answer to a stalled exchange hangs on does not.
  for (let round = 0; round < 2; round++) {
    await goOn()
    await pass(LONG, goOn)
  }
  for (const { reading } of clients.open()) {
    if (held.some(({ exchange }) => mayWaitFor(exchange, reading, upstream))) continue
    throw new Violation(`request ${reading.name} hangs: nothing of its own is under way`)
  }
  while (held.length > 0 || schedule.count() > 0) {
    await release()
    await goOn()
    await pass(LONG, goOn)
  }
  const ran = { readings: clients.readings, exchanges: upstream.exchanges, tally, durations }
  checkEnd(ran, background.size, backgroundBegun)
  // With a store that takes its time a request goes out some time after it was let go.
  if (plan.store === 'at once') refuseHammering(upstream.exchanges, judge.told)
  return ran
}

/** Whether a request may have to wait until an exchange is over. */
function mayWaitFor(exchange: Exchange, reading: Reading, upstream: Upstream): boolean {
  if (exchange.generation !== reading.generation) return false
  const isSame = exchange.asked.target === reading.target && upstream.hasAccepted(exchange)
  // Of one account there may be one at a time: while its limits are not known, after a pause, and to write.
  return exchange.key === reading.key || isSame || exchange.owner === reading.owner
}

function isStranger(name: string): boolean {
  return name.includes('intruder')
}

/** Links that were stated for the key so lately that a 304 without one leaves them good. */
function goodLinks(exchange: Exchange, upstream: Upstream, now: number, reading: Reading): (string | undefined)[] {
  const writes = upstream.exchanges.filter(({ writing }) => writing !== undefined)
  return upstream
    .of(exchange.key)
    .filter(
      (each) =>
        each !== exchange && each.generation === exchange.generation && each.statesLink && each.arrivedAt !== NEVER,
    )
    .filter((each) => now - each.arrivedTime < linkLifetime(each))
    .filter((each) => !isWrittenBetween(writes, reading, each.sentAt, exchange.sentAt))
    .map(({ truth }) => truth?.link)
}
