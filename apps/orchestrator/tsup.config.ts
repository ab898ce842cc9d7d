import { applicationBuild } from '@cidadao/workspace/tsup'

// Threads are started from files: the agents that run in them and the loop that carries these are entries of their own,
// named as the sources beside them are (see `siblingModule` in @cidadao/agent-pool).
export default applicationBuild({
  entry: { main: 'src/main.ts', 'analysis-agents': 'src/agents/analysis-agents.ts', worker: 'src/worker.ts' },
})
