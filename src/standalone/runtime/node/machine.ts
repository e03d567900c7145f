import { readFileSync } from 'node:fs';
import { arch, availableParallelism, release, totalmem } from 'node:os';
import type { NodeSystemInfo } from '../../../kube/types/core.ts';

/** What nodes say about the machine that they share. */
export interface Machine {
  readonly info: NodeSystemInfo;
  /** `amd64`, `arm64`: as Kubernetes names them. */
  readonly architecture: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** The kubelet version that clients see: that of the API which the cluster speaks. */
export const KUBELET_VERSION = 'v1.32.0';

export function readMachine(): Machine {
  const architecture =
    ({ x64: 'amd64', arm64: 'arm64' } as Readonly<Record<string, string>>)[arch()] ?? arch();
  const machineID = readLine('/etc/machine-id');
  return {
    architecture,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    info: {
      architecture,
      bootID: readLine('/proc/sys/kernel/random/boot_id'),
      containerRuntimeVersion: 'fairlead://0.1.0',
      kernelVersion: release(),
      kubeProxyVersion: '',
      kubeletVersion: KUBELET_VERSION,
      machineID,
      operatingSystem: 'linux',
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readLine('/etc/os-release', false))?.[1] ?? 'Linux',
      systemUUID: machineID,
    },
  };
}

/** Empty when the file is absent. */
function readLine(path: string, first = true): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  return first ? (text.split('\n')[0] ?? '').trim() : text;
}
