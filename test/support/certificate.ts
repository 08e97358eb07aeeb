import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Paths of PEM files in a folder of their own. */
export interface TestCertificate {
  /** The certificate authority that clients have to trust. */
  readonly authority: string
  /** A server's certificate for `localhost`, `127.0.0.1` and `::1`, signed by that authority. */
  readonly certificate: string
  readonly key: string
  /** Deletes the folder. */
  remove(): Promise<void>
}

const EXTENSIONS = `basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
`

/**
 * Makes a certificate authority and a server certificate that lasts a day. Two certificates and not one signed by
 * itself, because Go and OpenSSL want the issuer to be an authority and the server not to be one.
 *
 * @throws Error where `openssl` is missing or fails
 */
export async function makeCertificate(): Promise<TestCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-certificate-'))
  const openssl = (...argumentList: string[]) => run('openssl', argumentList, { cwd: folder })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = ['-x509', '-days', '1', '-subj', '/CN=Weir test authority', '-keyout', 'ca.key', '-out', 'ca.pem']
  const constraints = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await writeFile(join(folder, 'extensions'), EXTENSIONS)
    await openssl('req', ...curve, ...authority, ...constraints)
    await openssl('req', ...curve, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr')
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'extensions']
    await openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem')
  } catch (error) {
    await remove()
    throw error
  }
  return {
    authority: join(folder, 'ca.pem'),
    certificate: join(folder, 'server.pem'),
    key: join(folder, 'server.key'),
    remove,
  }
}
