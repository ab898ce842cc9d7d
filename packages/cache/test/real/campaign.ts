import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@cidadao/testing'
import type { RedisNode } from '../../src/redis/index.ts'
import { Client } from './client.ts'
import { Journal, nowMs, readJournals, type Entry } from './journal.ts'
import { replay, type Verdict } from './replay.ts'
import { DELTA_MS, type ClientStatus, type Omission, type Place } from './world.ts'

export interface CampaignOptions {
  readonly redis?: readonly RedisNode[]
  readonly postgresUrl?: string
  readonly without?: Omission
}

/** A server that was stopped, a machine that is busy: what is waited for comes, or something is broken. */
export const DEADLINE_MS = 60_000
const CLIENTS = 4
let campaigns = 0
let processes = 0

/** Four processes under load, and the journals that they write; kept from one campaign to the next, since a start is slow. */
export class Campaign {
  readonly environment = `real-${process.pid}-${++campaigns}`
  readonly clients: Client[]
  readonly #options: CampaignOptions
  readonly #folder: string
  readonly #paths: string[] = []
  readonly #numbers = new Map<Client, number>()
  readonly #own: Journal
  #pausedMs = 0
  #next = 0

  private constructor(clients: Client[], folder: string, options: CampaignOptions) {
    this.clients = clients
    this.#folder = folder
    this.#options = options
    this.#own = new Journal(this.#path('own'))
  }

  static async begin(clients: Client[], options: CampaignOptions): Promise<Campaign> {
    const campaign = new Campaign(clients, await mkdtemp(join(tmpdir(), 'cidadao-cache-real-')), options)
    await Promise.all(clients.map((client) => campaign.#enter(client)))
    return campaign
  }

  /** Resolves when every process has got on by so many calls, and by more than the bound on staleness. */
  async progress(calls: number, among: readonly Client[] = this.clients): Promise<void> {
    const before = await Promise.all(among.map((client) => client.status()))
    const sinceMs = nowMs()
    await eventually(
      async () => {
        const now = await Promise.all(among.map((client) => client.status()))
        if (now.some((each, index) => each.calls < (before[index]?.calls ?? 0) + calls)) throw new Error('calls are missing')
        if (nowMs() < sinceMs + DELTA_MS) throw new Error('the bound on staleness has not passed')
      },
      { deadlineMs: DEADLINE_MS },
    )
  }

  /** Resolves when what every process says of itself is as wanted. */
  async until(wanted: (status: ClientStatus) => boolean): Promise<void> {
    await eventually(
      async () => {
        const statuses = await Promise.all(this.clients.map((client) => client.status()))
        if (!statuses.every(wanted)) throw new Error(`they are ${JSON.stringify(statuses)}`)
      },
      { deadlineMs: DEADLINE_MS },
    )
  }

  tell(entry: { readonly kind: 'died'; readonly who: number } | Omit<Extract<Entry, { readonly kind: 'failover' }>, 'at' | 'by'>): void {
    this.#own.write({ at: nowMs(), by: -1, ...entry })
  }

  /** It comes back only once the others have got on. */
  async pause(client: Client, forMs: number): Promise<void> {
    const sinceMs = nowMs()
    client.pause()
    const others = this.clients.filter((other) => other !== client)
    while (nowMs() < sinceMs + forMs) await this.progress(20, others)
    client.resume()
    this.#pausedMs += nowMs() - sinceMs
  }

  /** Kills a process and has another one take its place. */
  async replace(client: Client): Promise<Client> {
    await client.kill()
    this.tell({ kind: 'died', who: this.#numbers.get(client) ?? -1 })
    const fresh = await Client.start()
    this.clients[this.clients.indexOf(client)] = fresh
    await this.#enter(fresh)
    await fresh.ask({ do: 'load' })
    return fresh
  }

  /** Once all faults are over: everything that was pending has to arrive, and everybody reads every key. */
  async settle(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.ask({ do: 'rest' })))
    const tokens = (await Promise.all(this.clients.map((client) => client.ask({ do: 'settle' })))) as string[]
    await Promise.all(this.clients.map((client) => client.ask({ do: 'read-settled', tokens })))
  }

  verdict(): Verdict {
    const { redis = [], postgresUrl } = this.#options
    return replay(readJournals(this.#paths), { pausedMs: this.#pausedMs, oneTier: redis.length === 0 || postgresUrl === undefined })
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.clients.map((client) => client.ask({ do: 'rest' })))
    await Promise.allSettled(this.clients.map((client) => client.ask({ do: 'end' })))
    this.#own.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #enter(client: Client): Promise<void> {
    const number = ++processes
    this.#numbers.set(client, number)
    const { redis = [], postgresUrl = null, without = 'nothing' } = this.#options
    const { environment } = this
    const place: Place = { environment, redis, postgresUrl, journal: this.#path(String(number)), process: number, without }
    await client.ask({ do: 'begin', place })
    client.onWritten = (written) => {
      const reader = this.clients[++this.#next % CLIENTS]
      // Whoever is killed meanwhile reads nothing.
      reader?.ask({ do: 'read-after', ...written }).catch(() => {})
    }
  }

  #path(name: string): string {
    const path = join(this.#folder, `${name}.jsonl`)
    this.#paths.push(path)
    return path
  }
}

export async function startClients(): Promise<Client[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => Client.start()))
}

/** Loads, has something break, settles, and judges. */
export async function run(clients: Client[], options: CampaignOptions, fault: (campaign: Campaign) => Promise<void>): Promise<Verdict> {
  const campaign = await Campaign.begin(clients, options)
  try {
    await Promise.all(campaign.clients.map((client) => client.ask({ do: 'load' })))
    await campaign.progress(50)
    await fault(campaign)
    await campaign.until(({ whole }) => whole)
    await campaign.progress(50)
    await campaign.settle()
    return campaign.verdict()
  } finally {
    await campaign.end()
  }
}
