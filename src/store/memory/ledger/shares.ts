import type { Client } from '../../../ports.ts'

/** Groups that are told apart in one window, and names in one group; what comes beyond shares one place. */
const MOST_GROUPS = 1000
const MOST_NAMES = 100
/** Apps in one window; beyond that, those who have a name of their own share a place in their group. */
const MOST_APPS = 5000
const OTHERS = '(others)'

/** What earns a share, and what it used. */
export interface Group {
  readonly key: string
  used: number
  readonly members: Map<string, Member>
  /** Of its members that are held back: how many, and what they used. */
  heldBack: number
  heldBackUsed: number
}

/** One app: a name in a group. */
export interface Member {
  readonly group: Group
  readonly name: string
  used: number
  /** It has wanted more than it was given in this window. */
  isHeldBack: boolean
}

/**
 * Who used how much of a budget in one window. A group has a share of its own; a name that a client gives itself divides the
 * share of its group, so that a hundred names earn no more than one.
 */
export class Shares {
  readonly groups = new Map<string, Group>()
  used = 0
  /** How many apps asked for something. */
  apps = 0
  /** Apps that are held back; and of groups with such an app, how many, and what they used. */
  heldBackApps = 0
  #heldBackGroups = 0
  #heldBackUsed = 0

  /** The place of a client; from now on it counts as one of those that share. */
  memberOf({ group: key, name }: Client): Member {
    const group = this.groups.get(key) ?? this.#newGroup(key)
    return group.members.get(name) ?? this.#newMember(group, name)
  }

  take(member: Member): void {
    this.#count(member, 1)
  }

  giveBack(member: Member): void {
    this.#count(member, -1)
  }

  /** A client wants more than it is given: from now on it is compared with others of whom that is true. */
  holdBack(member: Member): void {
    if (member.isHeldBack) return
    const { group } = member
    member.isHeldBack = true
    this.heldBackApps++
    group.heldBackUsed += member.used
    if (group.heldBack++ > 0) return
    this.#heldBackGroups++
    this.#heldBackUsed += group.used
  }

  /**
   * Whether a client has had more than those had on average who want more than they are given: what is there is then first
   * for the others, as long as they may still come for it.
   */
  isAhead({ group, used }: Member): boolean {
    const isAheadGroup = group.used * this.#heldBackGroups > this.#heldBackUsed
    return isAheadGroup || used * group.heldBack > group.heldBackUsed
  }

  /** How many of those who are held back come before a client: they have had less, or as much and were here before. */
  rankOf(member: Member): number {
    let rank = 0
    let isBefore = true
    for (const group of this.groups.values()) {
      if (group.heldBack === 0) continue
      for (const other of group.members.values()) {
        if (other === member) isBefore = false
        else if (other.isHeldBack && precedes(other, member, isBefore)) rank++
      }
    }
    return rank
  }

  /**
   * Whether a client has had less than half of what its like had on average: it goes at once while anything is left, whoever
   * else waits. Those who have had more are paced.
   */
  isModest({ group, used }: Member): boolean {
    const groups = this.groups.size
    const members = group.members.size
    const isModestGroup = groups === 1 || 2 * groups * group.used < this.used
    return isModestGroup && (members === 1 || 2 * members * used < group.used)
  }

  #count(member: Member, units: number): void {
    const { group } = member
    member.used += units
    group.used += units
    this.used += units
    if (member.isHeldBack) group.heldBackUsed += units
    if (group.heldBack > 0) this.#heldBackUsed += units
  }

  #newGroup(key: string): Group {
    if (this.groups.size >= MOST_GROUPS && key !== OTHERS) {
      return this.groups.get(OTHERS) ?? this.#newGroup(OTHERS)
    }
    const group: Group = { key, used: 0, members: new Map(), heldBack: 0, heldBackUsed: 0 }
    this.groups.set(key, group)
    return group
  }

  #newMember(group: Group, name: string): Member {
    const isCrowded = group.members.size >= MOST_NAMES || (this.apps >= MOST_APPS && group.members.size > 0)
    if (isCrowded && name !== OTHERS) {
      return group.members.get(OTHERS) ?? this.#newMember(group, OTHERS)
    }
    const member: Member = { group, name, used: 0, isHeldBack: false }
    group.members.set(name, member)
    this.apps++
    return member
  }
}

function precedes(one: Member, other: Member, isEarlier: boolean): boolean {
  const difference = one.group.used - other.group.used || one.used - other.used
  return difference < 0 || (difference === 0 && isEarlier)
}
