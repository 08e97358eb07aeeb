import { write as writeFile } from 'node:fs'

export interface Output {
  write(line: string): void
  /** Waits until everything is written, at most this long (ms). Never rejects. */
  close(limitMilliseconds: number): Promise<void>
}

export interface OutputOptions {
  /** How much may wait for a reader that does not read; lines beyond that are lost rather than memory. Characters. */
  readonly maxWaiting?: number
  /** Told when lines can be written again, how many were lost meanwhile. */
  readonly onRecovered?: (lostLines: number) => void
}

/** After this long a file that was not ready is tried again. ms. */
const RETRY_AFTER = 50

/**
 * Writes lines to a file descriptor in the background, in order, one write at a time, and as many lines in each as have gathered
 * meanwhile. A reader that stalls, a full disk or a closed pipe cost lines, never requests: `process.stdout` would block
 * the event loop on a pipe that nobody reads, and pino's own destination never returns from its last flush on a full disk.
 */
export function backgroundOutput(fileDescriptor: number, options: OutputOptions = {}): Output {
  const { maxWaiting = 8 * 1024 * 1024, onRecovered } = options
  let waiting = ''
  let waitingLines = 0
  let underWay = false
  let lost = 0
  const whenIdle: Array<() => void> = []

  function start(): void {
    const bytes = Buffer.from(waiting)
    const lines = waitingLines
    waiting = ''
    waitingLines = 0
    underWay = true
    continueFrom(bytes, lines)
  }

  function continueFrom(bytes: Buffer, lines: number): void {
    writeFile(fileDescriptor, bytes, (error, written) => {
      if (error?.code === 'EAGAIN' || error?.code === 'EBUSY') {
        setTimeout(continueFrom, RETRY_AFTER, bytes, lines)
      } else if (error !== null) {
        lost += lines
        finish()
      } else if (written < bytes.length) {
        continueFrom(bytes.subarray(written), lines)
      } else {
        const missing = lost
        lost = 0
        if (missing > 0) onRecovered?.(missing)
        finish()
      }
    })
  }

  function finish(): void {
    underWay = false
    if (waitingLines > 0) start()
    else for (const resolve of whenIdle.splice(0)) resolve()
  }

  return {
    write(line): void {
      if (waiting.length + line.length > maxWaiting) {
        lost++
        return
      }
      waiting += line
      waitingLines++
      if (!underWay) start()
    },
    close(limitMilliseconds): Promise<void> {
      if (!underWay) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, limitMilliseconds)
        whenIdle.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    },
  }
}
