import type { AccountReport, BudgetReport, ResourceReport } from '../../../ports.ts'
import type { Account } from './account.ts'
import type { Budget, Now } from './budget.ts'
import { isTight } from './pace.ts'

/** Accounts in a report. */
const MOST_REPORTED = 200

/** The accounts as the operator sees them. */
export function accountsReport(
  accounts: readonly Account[],
  now: Now,
): Pick<BudgetReport, 'paused' | 'accounts' | 'leftOut'> {
  return {
    paused: accounts.filter((account) => account.pausedUntil > now.local).length,
    accounts: accounts.slice(0, MOST_REPORTED).map((account) => accountReport(account, now)),
    leftOut: Math.max(0, accounts.length - MOST_REPORTED),
  }
}

function accountReport(account: Account, now: Now): AccountReport {
  const { name, isVouchedFor, inFlight, waiting, lane, pausedUntil, budgets } = account
  return {
    account: name,
    isVouchedFor,
    inFlight,
    waiting,
    concurrency: lane.window,
    pausedUntil: pausedUntil > now.local ? pausedUntil : undefined,
    budgets: [...budgets.values()].map((budget) => resourceReport(budget, now)),
  }
}

function resourceReport(budget: Budget, now: Now): ResourceReport {
  const { resource, state, available, limit, reset, length, shares } = budget
  const isKnown = state === 'known' && now.upstream < budget.opensAt
  const clients = [...shares.groups.values()].flatMap((group) =>
    [...group.members.values()].map(({ name, used }) => ({ client: { group: group.key, name }, used })),
  )
  return {
    resource,
    state: state === 'known' && !isKnown ? 'unknown' : state,
    stated: budget.stated(now),
    available: isKnown ? Math.max(0, available) : undefined,
    isTight: isKnown && isTight(shares.apps, available, limit, reset - now.upstream / 1000, length),
    clients: clients.sort((left, right) => right.used - left.used),
  }
}
