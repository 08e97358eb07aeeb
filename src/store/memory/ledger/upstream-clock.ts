/** A `Date` leaves out what has passed of its second, ms (RFC 9110 §5.6.7). */
const SECOND = 1000
/** Answers that contradict by more than this (ms) what is known mean that a clock was set, or is wrong. */
const SET_ANEW = 10_000
/** How fast what is known gives way to answers that contradict it by less, for each of them. */
const GIVES_WAY = 0.05

/** How far the upstream's clock is ahead of the gateway's, ms: at least, and at most. */
class Offset {
  least = Number.NEGATIVE_INFINITY
  most = Number.POSITIVE_INFINITY

  contradicts(least: number, most: number): boolean {
    return this.least > most + SET_ANEW || least > this.most + SET_ANEW
  }

  /** Takes in what another answer says, which may contradict it a little. */
  take(least: number, most: number): void {
    if (least > this.most) {
      // It is further ahead than we thought it could be.
      this.least = least
      this.most = most
    } else if (most < this.least) {
      this.least += (most - this.least) * GIVES_WAY
      this.most = this.least
    } else {
      this.least = Math.max(this.least, least)
      this.most = Math.min(this.most, most)
    }
  }
}

/**
 * What time it is for the upstream, whose resets are told by its own clock. A `Date` is the second in which an answer was
 * made: after its question was sent, and before it arrived. So every answer gives bounds, however long it was on its way, and
 * all of them together give the closest. The lower one is believed, which is never ahead of the truth by more than a clock
 * drifts: no window is taken for over while it is not.
 *
 * An answer that contradicts the bounds by far is believed when the next one agrees with it. Otherwise one server whose
 * clock is wrong would end all windows.
 */
export class UpstreamClock {
  #known = new Offset()
  #doubted: Offset | undefined

  /**
   * An answer was made at `date` (epoch ms, by the upstream).
   *
   * @param sentAt when its question was sent, or before; epoch ms, by the gateway's clock
   * @param arrivedAt likewise
   */
  heard(date: number, sentAt: number, arrivedAt: number): void {
    const least = date - arrivedAt
    const most = date + SECOND - sentAt
    const doubted = this.#doubted
    this.#doubted = undefined
    if (!this.#known.contradicts(least, most)) {
      this.#known.take(least, most)
    } else if (doubted === undefined || doubted.contradicts(least, most)) {
      this.#doubted = new Offset()
      this.#doubted.take(least, most)
    } else {
      doubted.take(least, most)
      this.#known = doubted
    }
  }

  /** The upstream's time, epoch ms. Before anything is heard its clock is taken to be right. */
  at(now: number): number {
    return now + this.#ahead
  }

  /** The gateway's time at which the upstream's clock shows `date`: both epoch ms. */
  whenItIs(date: number): number {
    return date - this.#ahead
  }

  get #ahead(): number {
    const { least } = this.#known
    return least === Number.NEGATIVE_INFINITY ? 0 : least
  }
}
