import type { Context } from 'hono'
import { type Environment, respond } from '../middleware/inbound/context.ts'
import { type GatewayDependencies, gatewayAnswer } from './gateway.ts'

/** `/_weir/` and below: the gateway's own pages. */
export function gatewayRoute(dependencies: GatewayDependencies) {
  return async function served(c: Context<Environment>): Promise<Response> {
    const context = c.get('context')
    context.route = 'gateway'
    const answer = await gatewayAnswer(context.target!.path, c.env.inbound, dependencies)
    context.outcome = SERVED
    return respond(c, { ...answer, headers: [...answer.headers, 'x-request-id', context.requestId] })
  }
}

const SERVED = { name: 'served' } as const
