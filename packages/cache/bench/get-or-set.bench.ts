import { reportBench } from '@cidadao/workspace/bench-report'
import { footprints } from './footprint.ts'
import { memoryHits } from './memory-hits.ts'
import { outages } from './outage.ts'
import { redisHits } from './redis-hits.ts'
import { stampedes } from './stampede.ts'

/*
 * This cache beside others and the bare libraries underneath, in one process and one run: only the ratios mean anything.
 * node --conditions=@cidadao/source bench/get-or-set.bench.ts [--json]
 */
reportBench([...(await memoryHits()), ...(await redisHits()), ...(await stampedes()), ...(await outages()), ...(await footprints())])
process.exit()
