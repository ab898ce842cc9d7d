/** What each thread of the agent pool runs. An entry of the build only: from source the package's own file is used. */
export { handle } from '@cidadao/agent-pool/worker'
