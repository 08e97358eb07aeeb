import type { Handler } from '../middleware/inbound/context.ts'
import type { OutgoingAnswer } from '../ports.ts'
import { type GatewayDependencies, gatewayAnswer } from './gateway.ts'

/** `/_weir/` and below: the gateway's own pages. */
export function gatewayRoute(dependencies: GatewayDependencies): Handler {
  return function served(context) {
    context.route = 'gateway'
    const named = (answer: OutgoingAnswer): OutgoingAnswer => {
      context.outcome = SERVED
      return { ...answer, headers: [...answer.headers, 'x-request-id', context.requestId] }
    }
    const answer = gatewayAnswer(context.target!.path, context.inbound, dependencies)
    return answer instanceof Promise ? answer.then(named) : named(answer)
  }
}

const SERVED = { name: 'served' } as const
