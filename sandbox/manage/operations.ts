import { isIP } from 'node:net'
import type { Json, JsonObject } from '../answer.ts'
import type { Switches } from '../switches.ts'
import type { Maintenance, Node } from './maintenance.ts'
import { NODES } from './maintenance.ts'

/** What an operation is given. */
export interface ManageRequest {
  query: URLSearchParams
  body: Buffer
  contentType: string
  maintenance: Maintenance
  settings: ManageSettings
  switches: Switches
  now: number
}

export interface ManageAnswer {
  status: number
  /** Null: no body. */
  value: Json
}

/** What the instance's administrator can change and read back. */
export interface ManageSettings {
  sshKeys: string[]
  values: JsonObject
  lastRun: string | null
}

/** Thrown for what the operation cannot understand. */
export class BadManageRequest extends Error {}

function ok(value: Json): ManageAnswer {
  return { status: 200, value }
}

function iso(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}+00:00`
}

/** The nodes that `uuid`, `cluster_role` or `cluster_roles` leave; each may name several, separated by commas. */
export function filterNodes(query: URLSearchParams): Node[] {
  const list = (name: string) =>
    query
      .get(name)
      ?.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '') ?? []
  const uuids = list('uuid')
  const roles = [...list('cluster_role'), ...list('cluster_roles')]
  return NODES.filter(
    (node) =>
      (uuids.length === 0 || uuids.includes(node.uuid)) &&
      (roles.length === 0 || roles.some((role) => node.clusterRoles.includes(role))),
  )
}

function bodyObject({ body }: ManageRequest): JsonObject {
  let value: Json
  try {
    value = body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as Json)
  } catch {
    throw new BadManageRequest('Problems parsing JSON')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new BadManageRequest('Body should be a JSON object')
  }
  return value
}

function nodes({ query }: ManageRequest): ManageAnswer {
  return ok({
    topology: 'Cluster',
    nodes: filterNodes(query).map(({ hostname, uuid, clusterRoles }) => ({
      hostname,
      uuid,
      cluster_roles: [...clusterRoles],
    })),
  })
}

function getMaintenance({ query, maintenance }: ManageRequest): ManageAnswer {
  const { scheduledTime } = maintenance
  return ok(
    filterNodes(query).map(({ hostname, uuid, role }) => ({
      hostname,
      uuid,
      status: role === 'primary' ? maintenance.status : 'off',
      ...(scheduledTime === null || role === 'replica' ? {} : { scheduled_time: iso(scheduledTime) }),
      connection_services: [
        { name: 'git operations', number: 15 },
        { name: 'mysql queries', number: 6 },
        { name: 'resque jobs', number: 10 },
        { name: 'aqueduct jobs', number: 0 },
      ],
      can_unset_maintenance: maintenance.status !== 'off',
      ip_exception_list: [...maintenance.exceptions],
      maintenance_mode_message: maintenance.message,
    })),
  )
}

function isNetwork(text: string): boolean {
  const [address = '', prefix = '0', ...more] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return more.length === 0 && /^\d+$/.test(prefix) && Number(prefix) <= bits
}

function setMaintenance(request: ManageRequest): ManageAnswer {
  const { enabled, uuid, when, ip_exception_list, maintenance_mode_message } = bodyObject(request)
  if (typeof enabled !== 'boolean') throw new BadManageRequest('enabled is missing or not a boolean')
  const now = when === undefined || when === null || when === '' || when === 'now'
  const time = now ? null : Date.parse(String(when))
  if (time !== null && Number.isNaN(time)) throw new BadManageRequest('when is not an ISO 8601 time')
  if (typeof uuid === 'string' && time !== null) throw new BadManageRequest('uuid is incompatible with scheduling')
  if (typeof uuid === 'string' && !NODES.some((node) => node.uuid === uuid)) throw new BadManageRequest('no such node')
  const exceptions = Array.isArray(ip_exception_list) ? ip_exception_list.map(String) : []
  if (!exceptions.every(isNetwork)) throw new BadManageRequest('ip_exception_list is no list of addresses or networks')
  const { maintenance } = request
  maintenance.set({
    enabled,
    when: time,
    exceptions,
    message: typeof maintenance_mode_message === 'string' ? maintenance_mode_message : '',
  })
  const what = {
    off: 'maintenance mode disabled',
    on: 'maintenance mode enabled',
    scheduled: 'maintenance mode scheduled',
  }[maintenance.status]
  const suffix = exceptions.length === 0 || !enabled ? '' : ` with exception list [${exceptions.join(' ')}]`
  return ok(
    NODES.filter((node) => node.role === 'primary' || node.uuid === uuid)
      .filter((node) => typeof uuid !== 'string' || node.uuid === uuid)
      .map((node) => ({ hostname: node.hostname, uuid: node.uuid, message: `${what}${suffix}` })),
  )
}

const SERVICES = ['redis', 'elasticsearch', 'git', 'pages', 'alambic', 'git-hooks', 'consul', 'mysql']

function replication({ query }: ManageRequest): ManageAnswer {
  return ok({
    status: 'OK',
    nodes: filterNodes(query).map(({ hostname, role }) => ({
      hostname,
      status: 'OK',
      services:
        role === 'primary' ? [] : SERVICES.map((name) => ({ status: 'OK', name, details: 'replication is in sync' })),
    })),
  })
}

function versions({ query, switches }: ManageRequest): ManageAnswer {
  const version = { version: switches.version, platform: 'azure', build_id: 'fc542058b5', build_date: '2025-11-18' }
  return ok(filterNodes(query).map(({ hostname }) => ({ hostname, version })))
}

function clusterStatus(): ManageAnswer {
  const names = ['es', 'git-replication', 'memcache', 'metrics', 'mysql-replication', 'pages', 'redis', 'storage']
  const services = names.map((name) => ({ status: 'OK', name, details: '' }))
  return ok({ status: 'OK', nodes: NODES.map(({ hostname }) => ({ hostname, status: 'OK', services })) })
}

function systemRequirements(): ManageAnswer {
  return ok({
    status: 'OK',
    nodes: NODES.map(({ hostname, clusterRoles }) => ({
      hostname,
      status: 'OK',
      roles_status: clusterRoles.map((role) => ({ status: 'OK', role })),
    })),
  })
}

function changeKey(request: ManageRequest, add: boolean): ManageAnswer {
  const { key } = bodyObject(request)
  if (typeof key !== 'string' || key === '') throw new BadManageRequest('key is missing')
  const { sshKeys } = request.settings
  const index = sshKeys.indexOf(key)
  if (add && index === -1) sshKeys.push(key)
  if (!add && index !== -1) sshKeys.splice(index, 1)
  const message = `SSH key ${add ? 'added' : 'removed'} successfully`
  return ok(
    NODES.map(({ hostname, uuid }) => ({ hostname, uuid, message, ...(add ? { modified: index === -1 } : {}) })),
  )
}

function startApply(request: ManageRequest): ManageAnswer {
  const { run_id } = bodyObject(request)
  request.settings.lastRun = typeof run_id === 'string' ? run_id : 'd34db33f'
  return ok({ run_id: request.settings.lastRun })
}

function applyStatus({ settings, query }: ManageRequest): ManageAnswer {
  const run = query.get('run_id') ?? settings.lastRun ?? 'd34db33f'
  const all = NODES.map(({ hostname }) => ({ run_id: run, hostname, running: false, successful: true }))
  return ok({ running: false, successful: true, nodes: all })
}

function applyEvents({ settings, now }: ManageRequest): ManageAnswer {
  const trace = '387cd628c06d606700e79be368e5e574'
  const span = '0cde553750689c76'
  const event = {
    timestamp: iso(now),
    severity_text: 'INFO',
    body: 'Validating services',
    event_name: 'Enterprise::ConfigApply::PhaseValidation#config_phase_validation',
    topology: 'multinode',
    config_run_id: settings.lastRun ?? 'd34db33f',
    trace_id: trace,
    span_id: span,
    span_parent_id: 0,
    span_depth: 0,
  }
  return ok({
    nodes: NODES.map(({ hostname }) => ({
      node: hostname,
      last_request_id: `${trace}:${span}:0000000000000000`,
      events: [{ ...event, hostname }],
    })),
  })
}

function license(): ManageAnswer {
  return ok([
    {
      advancedSecurityEnabled: true,
      advancedSecuritySeats: 0,
      clusterSupport: false,
      company: 'Octo Organisation',
      croquetSupport: true,
      customTerms: true,
      evaluation: false,
      expireAt: '2030-01-02T07:59:59Z',
      perpetual: false,
      referenceNumber: '32a145',
      seats: 0,
      sshAllowed: true,
      unlimitedSeating: true,
    },
  ])
}

function requireMultipart({ contentType }: ManageRequest): void {
  if (!contentType.startsWith('multipart/form-data')) throw new BadManageRequest('multipart/form-data is expected')
}

/** The 19 operations, by method and path. */
export const OPERATIONS: Readonly<Record<string, (request: ManageRequest) => ManageAnswer>> = {
  'GET /manage/v1/access/ssh': ({ settings }) =>
    ok(settings.sshKeys.map((key) => ({ key, fingerprint: 'bd:26:d3:a2:ad:97:c0:7c:2d:57:a4:64:f3:fb:44:45' }))),
  'POST /manage/v1/access/ssh': (request) => changeKey(request, true),
  'DELETE /manage/v1/access/ssh': (request) => changeKey(request, false),
  'GET /manage/v1/checks/system-requirements': systemRequirements,
  'GET /manage/v1/cluster/status': clusterStatus,
  'GET /manage/v1/config/apply': applyStatus,
  'POST /manage/v1/config/apply': startApply,
  'GET /manage/v1/config/apply/events': applyEvents,
  'POST /manage/v1/config/init': (request) => {
    requireMultipart(request)
    return { status: 202, value: null }
  },
  'GET /manage/v1/config/license': license,
  'PUT /manage/v1/config/license': (request) => {
    requireMultipart(request)
    return { status: request.query.get('apply') === 'true' ? 202 : 201, value: null }
  },
  'GET /manage/v1/config/license/check': () => ok([{ status: 'valid' }]),
  'GET /manage/v1/config/nodes': nodes,
  'GET /manage/v1/config/settings': ({ settings, switches }) =>
    ok({ ...settings.values, private_mode: switches.privateMode }),
  'PUT /manage/v1/config/settings': (request) => {
    const change = bodyObject(request)
    Object.assign(request.settings.values, change)
    if (typeof change['private_mode'] === 'boolean') request.switches.privateMode = change['private_mode']
    return { status: 204, value: null }
  },
  'GET /manage/v1/maintenance': getMaintenance,
  'POST /manage/v1/maintenance': setMaintenance,
  'GET /manage/v1/replication/status': replication,
  'GET /manage/v1/version': versions,
}
