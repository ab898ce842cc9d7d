import { describe, expect, it } from 'vitest'
import { provideService, type ProvidedService, type ServiceWays } from './provide-service.ts'

interface Trace {
  readonly ways: ServiceWays<string>
  readonly tried: string[]
  readonly reasons: string[]
}

/** Ways of which the named ones work. */
function waysThat(works: readonly string[], url: 'given' | 'absent' = 'absent'): Trace {
  const tried: string[] = []
  const reasons: string[] = []
  const way = (name: string) => (): Promise<ProvidedService<string>> => {
    tried.push(name)
    if (!works.includes(name)) return Promise.reject(new Error(`${name} is broken`))
    return Promise.resolve({ facts: name, stop: () => Promise.resolve() })
  }
  const ways = { name: 'Sundial', url: url === 'given' ? way('url') : undefined, container: way('container'), native: way('native') }
  return { ways: { ...ways, onFallback: (reason) => void reasons.push(reason.message) }, tried, reasons }
}

describe('providing a service', () => {
  it('takes the server that the user named, and nothing else even if that fails', async () => {
    const good = waysThat(['url', 'container', 'native'], 'given')
    expect((await provideService('docker', good.ways)).facts).toBe('url')
    const bad = waysThat(['container', 'native'], 'given')
    await expect(provideService('auto', bad.ways)).rejects.toThrow('url is broken')
    expect(bad.tried).toEqual(['url'])
  })

  it('takes a container first where it may choose', async () => {
    const { ways, tried } = waysThat(['container', 'native'])
    expect((await provideService('auto', ways)).facts).toBe('container')
    expect(tried).toEqual(['container'])
  })

  it('goes on with native programs where there is no container, and says why', async () => {
    const { ways, tried, reasons } = waysThat(['native'])
    expect((await provideService('auto', ways)).facts).toBe('native')
    expect([tried, reasons]).toEqual([['container', 'native'], ['container is broken']])
  })

  it.each(['docker', 'native'] as const)('tries nothing else when told %s', async (mode) => {
    const { ways, tried } = waysThat([])
    await expect(provideService(mode, ways)).rejects.toThrow('is broken')
    expect(tried).toHaveLength(1)
  })

  it('names both failures where nothing works', async () => {
    const providing = provideService('auto', waysThat([]).ways)
    await expect(providing).rejects.toMatchObject({ code: 'TESTING_SERVICE_UNAVAILABLE', facts: { service: 'Sundial' } })
    await expect(providing).rejects.toThrow('no Sundial for the tests. Container: container is broken. Native: native is broken')
  })
})
