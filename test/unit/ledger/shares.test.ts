import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Member, Shares } from '../../../src/store/memory/ledger/shares.ts'

const client = (group: number | string, name = '') => ({ group: `address:${group}`, name })

function sharesOf(used: readonly (readonly [group: number, name: string, units: number])[]): [Shares, Member[]] {
  const shares = new Shares()
  const members = used.map(([group, name, units]) => {
    const member = shares.memberOf(client(group, name))
    for (let index = 0; index < units; index++) shares.take(member)
    return member
  })
  return [shares, members]
}

describe('who used how much', () => {
  test('is counted by app, by group and in all', () => {
    const [shares, [one, two]] = sharesOf([
      [1, 'a', 3],
      [1, 'b', 2],
      [2, '', 4],
    ])
    expect([shares.used, shares.apps, one!.group.used, two!.used]).toEqual([9, 3, 5, 2])
    shares.giveBack(one!)
    expect([shares.used, one!.group.used, one!.used]).toEqual([8, 4, 2])
    expect(shares.memberOf(client(1, 'a'))).toBe(one)
  })

  test('beyond a thousand groups, and a hundred names of one, the others share a place', () => {
    const shares = new Shares()
    const groups = Array.from({ length: 1002 }, (_, index) => shares.memberOf(client(index)))
    expect(groups[1000]).toBe(groups[1001])
    expect(groups[999]).not.toBe(groups[1000])
    expect(shares.memberOf(client(5))).toBe(groups[5])
    const names = Array.from({ length: 102 }, (_, index) => shares.memberOf(client(0, `app ${index}`)))
    // One has no name.
    expect(names[99]).toBe(names[101])
    expect(names[98]).not.toBe(names[99])
  })

  test('in all no more than some thousands are told apart', () => {
    const shares = new Shares()
    for (let group = 0; group < 500; group++) {
      for (let name = 0; name < 50; name++) shares.memberOf(client(group, `${name}`))
    }
    expect(shares.apps).toBeLessThanOrEqual(6000)
    expect(shares.groups.size).toBe(500)
    // Everybody has a group of their own all the same.
    expect(shares.memberOf(client(499, 'other')).group.key).toBe('address:499')
  })

  test('modest is who has had less than half of the average', () => {
    const [shares, [least, middle, most]] = sharesOf([
      [1, '', 4],
      [2, '', 5],
      [3, '', 21],
    ])
    expect([least!, middle!, most!].map((member) => shares.isModest(member))).toEqual([true, false, false])
  })

  test('modest among the names of its group, too', () => {
    const [shares, [small, large, other]] = sharesOf([
      [1, 'small', 1],
      [1, 'large', 7],
      [2, '', 40],
    ])
    expect([small!, large!, other!].map((member) => shares.isModest(member))).toEqual([true, false, false])
    const [greedy, [modestName]] = sharesOf([
      [1, 'small', 1],
      [1, 'large', 70],
      [2, '', 10],
    ])
    expect(greedy.isModest(modestName!)).toBe(false)
  })

  test('who is alone in the only group is modest in nothing that keeps it back', () => {
    const [shares, [alone]] = sharesOf([[1, '', 50]])
    expect(shares.isModest(alone!)).toBe(true)
    const [nobody, [first]] = sharesOf([
      [1, '', 0],
      [2, '', 0],
    ])
    expect(nobody.isModest(first!)).toBe(false)
  })
})

describe('those who are held back', () => {
  const step = fc.record({
    what: fc.constantFrom('take', 'take', 'giveBack', 'holdBack'),
    group: fc.nat(3),
    name: fc.constantFrom('', 'a', 'b'),
  })

  test('are compared with each other, whatever they took before and after', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const shares = new Shares()
        for (const { what, group, name } of steps) {
          const member = shares.memberOf(client(group, name))
          if (what === 'take') shares.take(member)
          else if (what === 'holdBack') shares.holdBack(member)
          else if (member.used > 0) shares.giveBack(member)
        }
        const groups = [...shares.groups.values()]
        const all = groups.flatMap((group) => [...group.members.values()])
        const held = all.filter((member) => member.isHeldBack)
        expect(shares.heldBackApps).toBe(held.length)
        const heldGroups = groups.filter((group) => held.some((member) => member.group === group))
        const mean = (amounts: readonly number[]) => amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length
        for (const member of held) {
          const { group } = member
          const ofGroup = held.filter((other) => other.group === group)
          const isAhead =
            group.used > mean(heldGroups.map(({ used }) => used)) || member.used > mean(ofGroup.map(({ used }) => used))
          expect(shares.isAhead(member)).toBe(isAhead)
          const before = held.filter(
            (other) =>
              other.group.used < group.used ||
              (other.group.used === group.used &&
                (other.used < member.used || (other.used === member.used && all.indexOf(other) < all.indexOf(member)))),
          )
          expect(shares.rankOf(member)).toBe(before.length)
        }
      }),
    )
  })
})
