import { budgetLedgerIsolationContract } from './budget-ledger-isolation.contract.ts'
import { budgetLedgerModelContract } from './budget-ledger-model.contract.ts'
import { budgetLedgerNumbersContract } from './budget-ledger-numbers.contract.ts'
import { budgetLedgerPausesContract } from './budget-ledger-pauses.contract.ts'
import { budgetLedgerSharesContract } from './budget-ledger-shares.contract.ts'
import { budgetLedgerTurnsContract } from './budget-ledger-turns.contract.ts'
import { budgetLedgerUnitsContract } from './budget-ledger-units.contract.ts'
import type { LedgerMaker } from './ledger-desk.ts'

/** What every ledger owes its caller. */
export function budgetLedgerContract(name: string, maker: LedgerMaker): void {
  budgetLedgerNumbersContract(name, maker)
  budgetLedgerUnitsContract(name, maker)
  budgetLedgerPausesContract(name, maker)
  budgetLedgerTurnsContract(name, maker)
  budgetLedgerSharesContract(name, maker)
  budgetLedgerIsolationContract(name, maker)
  budgetLedgerModelContract(name, maker)
}
