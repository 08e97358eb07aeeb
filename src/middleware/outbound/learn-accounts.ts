import type { BudgetLedger } from '../../ports.ts'
import type { Accounts } from './accounts.ts'
import { collect } from './collect.ts'
import type { Answer, Answerer } from './exchange.ts'
import type { Revalidating } from './fresh.ts'

/** Bytes of a body that is looked at; what GitHub sends is a tenth of it. */
const MOST_BYTES = 64 * 1024

/**
 * Learns from answers to `/user` that pass by whose a credential is: GitHub counts all tokens of a user together, and only
 * this page says which belong together.
 */
export function learnUsers(accounts: Accounts, ledger: Pick<BudgetLedger, 'join'>, next: Revalidating): Revalidating {
  return async function learnt(question, stored) {
    const answer = await next(question, stored)
    if (question.path !== '/user' || question.method !== 'GET' || question.credential.isAnonymous) return answer
    const { status, body } = answer
    if (status !== 200 || !(body instanceof Uint8Array) || body.byteLength > MOST_BYTES) return answer
    const login = textAt(body, 'login')
    if (login === undefined || !/^[\w.@-]{1,100}$/.test(login)) return answer
    const before = accounts.nameOf(question.credential)
    const account = accounts.learnUser(question, login)
    if (account !== before) ledger.join(before, account)
    return answer
  }
}

/** `POST /app/installations/{id}/access_tokens` (GitHub, "Create an installation access token for an app"). */
const NEW_TOKEN = /^\/app\/installations\/0*(\d{1,15})\/access_tokens$/

/** Learns from answers that make a token for an installation which one it is: the next token has the same budget. */
export function learnInstallations(accounts: Accounts, next: Answerer): Answerer {
  async function learnt(answer: Answer, id: string): Promise<Answer> {
    const { status, body } = answer
    if (status !== 201 || body === null) return answer
    const collected =
      body instanceof Uint8Array ? ({ complete: true, bytes: body } as const) : await collect(body, MOST_BYTES)
    if (!collected.complete) return { ...answer, body: collected.body }
    const token = textAt(collected.bytes, 'token')
    if (token !== undefined) accounts.learnInstallation(token, id)
    return { ...answer, body: collected.bytes }
  }

  return async function passed(question) {
    const answer = await next(question)
    const id = question.method === 'POST' ? NEW_TOKEN.exec(question.path)?.[1] : undefined
    return id === undefined ? answer : learnt(answer, id)
  }
}

/** A text in a JSON object. */
function textAt(bytes: Uint8Array, name: string): string | undefined {
  try {
    const value = (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null)?.[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
