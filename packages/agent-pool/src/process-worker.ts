import { serveAgentProcess } from './worker-side/agent-process.ts'

// The entry point of a pool's child process. It does its work on import, because it is started and not called.
serveAgentProcess()
