import { ACCEPTS, CALLERS, COLLECTIONS, type Command, type Plan, THINGS } from './plan.ts'
import { RESOURCES, WRITINGS } from './resources.ts'

/** A plan in words, for whoever has to find out why it failed. */
export function show(plan: Plan): string {
  const { commands, ...rest } = plan
  return [
    JSON.stringify(rest, (_, value: unknown) => (value === undefined ? 'absent' : value)),
    ...commands.map((command, index) => `${index}. ${sentence(command, plan)}; then ${command.steps} steps`),
  ].join('\n')
}

function sentence(command: Command, { focus, cast }: Plan): string {
  const caller = (index: number) => nameOf(cast[index % cast.length]!)
  switch (command.kind) {
    case 'read': {
      const { method, holding, directive } = command
      const accept = ACCEPTS[command.accept]
      const extras = [
        ...(accept === undefined ? [] : [`as ${accept}`]),
        ...(command.apiVersion ? ['in another API version'] : []),
        ...(holding === 'nothing' ? [] : [`holding ${holding}`]),
        ...(directive === undefined ? [] : [directive]),
        ...(command.times === 1 ? [] : [`${command.times} times`]),
        ...(command.app === 0 ? [] : ['from the other app']),
      ]
      const { target } = RESOURCES[focus[command.resource % focus.length]!]!
      return [`${caller(command.caller)} ${method} ${target}`, ...extras].join(', ')
    }
    case 'write': {
      const { method, target } = WRITINGS[command.writing]!
      return `${caller(command.caller)} ${method} ${target}${command.app === 0 ? '' : ', from the other app'}`
    }
    case 'leave':
      return `the client of the open request ${command.request} (counted round) leaves`
    case 'allow':
      return `${command.account} may ${command.level} ${command.repository}`
    case 'change':
      return `${THINGS[command.thing]} becomes ${command.value}`
    case 'grow':
      return `${COLLECTIONS[command.thing]} grows to ${command.items} items (tags: 27 more)`
    case 'rotate':
      return `${caller(command.caller)} gets a new token${command.revokes ? ', the old one is revoked' : ''}`
    case 'revoke':
      return `the token of ${caller(command.caller)} is revoked, or valid again`
    case 'rescope':
      return `the token of ${caller(command.caller)} gets other scopes`
    case 'fault':
      return `something goes wrong with the next exchange: ${command.fault}`
    case 'leave over':
      return `${command.left} requests of ${command.resource} are left to whom ${caller(command.caller)} is`
    case 'slow down': {
      const { milliseconds, hint } = command
      return `whoever ${caller(command.caller)} is is slowed down for ${milliseconds} ms, told by ${hint}`
    }
    case 'flip':
      return `entity tags are now made by the rule ${command.rule}`
    case 'wait':
      return `${command.milliseconds} ms pass`
    case 'rest':
      return 'everything under way ends'
    case 'restart':
      return 'the gateway is restarted with nothing in memory'
    case 'release':
      return 'what is held back goes on'
  }
}

function nameOf(index: number): string {
  const { account, scheme } = CALLERS[index]!
  return `${account}${scheme === '' ? '' : ` (${scheme})`}`
}
