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
