import type { Validation, WriteEpochs } from '../../ports.ts'
import type { Question } from './exchange.ts'

/** Whether nothing that this answer depends on has been written since it was asked for. */
export function isCurrent(question: Question, { epoch }: Pick<Validation, 'epoch'>, epochs: WriteEpochs): boolean {
  if (epoch === epochs.current()) return true
  const scopes = question.scopes()
  return scopes !== 'everything' && epochs.isCurrent(epoch, scopes)
}
