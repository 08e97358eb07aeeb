const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const PREFERRED = /^(?:mon|tue|wed|thu|fri|sat|sun), (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const RFC_850 = /^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const ASCTIME = /^(?:mon|tue|wed|thu|fri|sat|sun) ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/**
 * Epoch ms of an HTTP-date in any of its three forms (RFC 9110 §5.6.7), or `undefined`. Not `Date.parse`: that takes
 * `0`, `2030` and dates in the machine's own time zone for valid, and what is invalid must count as already expired.
 *
 * @param now epoch ms; decides the century of a two-digit year (more than 50 years ahead means the past)
 */
export function parseHttpDate(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim().toLowerCase()
  let match = PREFERRED.exec(text)
  if (match !== null) return epoch(match[3]!, match[2]!, match[1]!, match[4]!, match[5]!, match[6]!)
  match = ASCTIME.exec(text)
  if (match !== null) return epoch(match[6]!, match[1]!, match[2]!, match[3]!, match[4]!, match[5]!)
  match = RFC_850.exec(text)
  if (match === null) return undefined
  const thisYear = new Date(now).getUTCFullYear()
  let year = Math.floor(thisYear / 100) * 100 + Number(match[3])
  if (year > thisYear + 50) year -= 100
  return epoch(String(year), match[2]!, match[1]!, match[4]!, match[5]!, match[6]!)
}

function epoch(
  year: string,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  const monthIndex = MONTHS.indexOf(month)
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Number(second)]
  if (monthIndex === -1 || d < 1 || d > 31 || h > 23 || m > 59 || s > 60) return undefined
  return Date.UTC(Number(year), monthIndex, d, h, m, s)
}
