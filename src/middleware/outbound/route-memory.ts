import { routeShape } from '../../github/rewriting/index.ts'
import { forgetOldest } from './oldest.ts'

/** What is learnt of the upstream's behaviour, for each kind of route by itself: they are served by different code. */
export class RouteMemory<Habit> {
  readonly #make: () => Habit
  readonly #habits = new Map<string, Habit>()

  constructor(make: () => Habit) {
    this.#make = make
  }

  /**
   * What is known of the route that a path (below the API root) belongs to. Of one that nothing was learnt of, what is
   * assumed: callers choose paths, and asking about one must not push out what is known of others.
   */
  of(path: string): Habit {
    return this.#habits.get(routeShape(path)) ?? this.#make()
  }

  /** The same, to note what an answer of the upstream taught. */
  learning(path: string): Habit {
    const shape = routeShape(path)
    const known = this.#habits.get(shape)
    const habit = known ?? this.#make()
    if (known !== undefined) this.#habits.delete(shape)
    else if (this.#habits.size >= MOST_ROUTES) forgetOldest(this.#habits)
    this.#habits.set(shape, habit)
    return habit
  }
}

/** More than any upstream has; the one that taught nothing for longest goes first. */
const MOST_ROUTES = 500
