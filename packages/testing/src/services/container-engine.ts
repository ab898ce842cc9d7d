import { toError } from '@cidadao/contracts'
import { getContainerRuntimeClient, type ContainerRuntimeClient } from 'testcontainers'
import { ContainerEngineMissingError } from '../errors.ts'

/** The engine that testcontainers finds. Where there is none the answer comes at once. @throws ContainerEngineMissingError */
export async function requireContainerEngine(): Promise<ContainerRuntimeClient> {
  try {
    return await getContainerRuntimeClient()
  } catch (thrown) {
    throw new ContainerEngineMissingError(
      `no container engine answers (${toError(thrown).message}): start Docker, or set TEST_SERVICES=native`,
      { cause: thrown },
    )
  }
}

/** Whether an engine could not publish a port because another program has it. */
export function isPortTaken(thrown: unknown): boolean {
  return /port is already allocated|address already in use/i.test(toError(thrown).message)
}
