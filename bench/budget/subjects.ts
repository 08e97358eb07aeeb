import type { HeaderList, Send } from '../../src/ports.ts'
import type { ClientPlan } from './plan.ts'

/** One GET by one client. */
export interface Asked {
  readonly client: ClientPlan
  /** Below the API root. */
  readonly target: string
  /** Aborts when the client gives up. */
  readonly signal: AbortSignal
}

/** What the client is told. */
export interface Reply {
  readonly status: number
  readonly headers: HeaderList
}

/** Asks for a client. May reject, and may stay pending after the signal has aborted: then it counts as no answer. */
export type Ask = (asked: Asked) => Promise<Reply>

/** What stands between the clients and the upstream. */
export interface Subject {
  readonly ask: Ask
  /** The run is over. */
  stop?(): void
}

export interface SubjectOptions {
  /** The one way to the upstream. */
  readonly send: Send
  /** Everybody who will ask. */
  readonly clients: readonly ClientPlan[]
  /** Differs from run to run within a process: libraries keep state of their own by name. */
  readonly run: string
}

export type StartSubject = (options: SubjectOptions) => Subject | Promise<Subject>

/** Loaded when time is virtual already, for a library may take the timers that it finds. */
export const SUBJECTS = {
  direct: async (): Promise<StartSubject> => (await import('./subjects/direct.ts')).startDirect,
  octokit: async (): Promise<StartSubject> => (await import('./subjects/octokit.ts')).startOctokit,
  weir: async (): Promise<StartSubject> => (await import('./subjects/weir.ts')).startWeir,
} as const

/** Whose aims are judged. */
export const JUDGED: string = 'weir'

export type SubjectName = keyof typeof SUBJECTS
