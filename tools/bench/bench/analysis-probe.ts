import { analyzePortal } from '@cidadao/procurement'

/** Analyses the source named on the command line and prints what that took, as JSON. A process of its own, so that memory is its own. */
const idleRssBytes = process.memoryUsage.rss()
const before = process.cpuUsage()
let peakRssBytes = idleRssBytes
const { summary } = await analyzePortal(process.argv[2] ?? '', {
  onProgress: () => {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())
  },
})
const { user, system } = process.cpuUsage(before)
peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())
process.stdout.write(JSON.stringify({ contracts: summary.contracts, cpuSeconds: (user + system) / 1e6, peakRssBytes, idleRssBytes }))
