/**
 * The agent of one node, born in the node's network namespace: in a standalone cluster by the supervisor, in a real one
 * by the DaemonSet, where the kubeconfig is the pod's own and the node's name comes by NODE_NAME.
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startAgent } from '../agent/index.ts';
import { dnsKernelWishes } from '../agent/dns-kernel.ts';
import type { DnsKernelWish } from '../agent/dns-kernel.ts';
import { otlpReceiverOf } from '../agent/policy-flow-export.ts';
import { systemClock } from '../base/clock.ts';
import { FairleadError } from '../base/errors.ts';
import { parsePrefix } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import { paths } from '../kernel/contract.ts';
import { KernelWorker } from '../kernel/worker/index.ts';
import { createClient } from '../kube/client.ts';
import { inClusterConfig } from '../kube/in-cluster.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { serviceModes } from '../services/index.ts';
import type { ServiceModeWish } from '../services/index.ts';
import { aborted, runProcess } from './process-top.ts';
import type { ProcessTop } from './process-top.ts';

const built = join(import.meta.dirname, '..', '..', 'build');
const builtPlugins = join(built, 'native');
const dnsAnswers = join(built, 'bpf', 'dns-answers.o');
const socketHooks = join(built, 'bpf', 'service-sockets.o');

if (import.meta.main) runProcess('agent', main);

async function main({ log, stop }: ProcessTop): Promise<void> {
  const { values } = parseArgs({
    options: {
      cluster: { type: 'string', default: process.env['FAIRLEAD_CLUSTER'] ?? 'default' },
      node: { type: 'string', default: process.env['NODE_NAME'] ?? '' },
      kubeconfig: { type: 'string' },
      'pod-prefixes': { type: 'string', default: '' },
      'service-prefixes': { type: 'string', default: '' },
      'service-mode': { type: 'string', default: 'auto' },
      'dns-kernel': { type: 'string', default: 'auto' },
      'pods-cgroup': { type: 'string' },
      'node-port-addresses': { type: 'string', default: 'primary' },
      'cni-config-directory': { type: 'string' },
      'cni-plugin-directory': { type: 'string' },
    },
  });
  const { cluster, node } = values;
  if (node === '') {
    throw new FairleadError('agent/no-node', 'the agent does not know which node it serves', {
      hint: 'Give --node, or NODE_NAME in the environment.',
    });
  }
  const { kubeconfig } = values;
  const client = createClient(
    kubeconfig === undefined ? inClusterConfig(process.env) : loadKubeconfig(kubeconfig),
  );
  const receiver = otlpReceiverOf(process.env);
  const worker = new KernelWorker({
    onCrash: error => log.error({ err: error }, 'the kernel worker ended; the next call starts another'),
  });
  const agent = await startAgent({
    cluster,
    node,
    client,
    worker,
    paths: {
      state: paths.nodeState(cluster, node),
      run: paths.nodeRun(cluster, node),
      cniSocket: paths.cniSocket(cluster, node),
      cniReleaseQueue: paths.cniReleaseQueue(cluster, node),
      cniConfigDirectory: values['cni-config-directory'] ?? paths.cniConfigDirectory(cluster, node),
      cniPluginDirectory: values['cni-plugin-directory'] ?? builtPlugins,
    },
    podPrefixes: prefixesOf('--pod-prefixes', values['pod-prefixes']),
    servicePrefixes: prefixesOf('--service-prefixes', values['service-prefixes']),
    ...(values['node-port-addresses'] === 'primary'
      ? {}
      : { nodePortPrefixes: prefixesOf('--node-port-addresses', values['node-port-addresses']) }),
    serviceSockets: {
      file: socketHooks,
      option: serviceModeOf(values['service-mode']),
      ...(values['pods-cgroup'] === undefined ? {} : { podsCgroup: values['pods-cgroup'] }),
    },
    dnsKernel: { file: dnsAnswers, option: dnsKernelOf(values['dns-kernel']) },
    gates: [],
    ...(receiver === undefined ? {} : { flowReceiver: receiver }),
    log,
    clock: systemClock,
    signal: stop,
  });
  await Promise.race([agent.ready, aborted(stop)]);
  flushCompileCache();
  await aborted(stop);
  await agent.close();
  client.close();
  await worker.close();
}

function serviceModeOf(text: string): ServiceModeWish {
  const mode = serviceModes.find(one => one === text);
  if (mode !== undefined) return mode;
  throw new FairleadError('agent/bad-service-mode', `"${text}" is no mode of Services`, {
    field: '--service-mode',
    hint: `Give one of ${serviceModes.join(', ')}.`,
  });
}

function dnsKernelOf(text: string): DnsKernelWish {
  const wish = dnsKernelWishes.find(one => one === text);
  if (wish !== undefined) return wish;
  throw new FairleadError('agent/bad-dns-kernel', `"${text}" says nothing of answers in the kernel`, {
    field: '--dns-kernel',
    hint: `Give one of ${dnsKernelWishes.join(', ')}.`,
  });
}

function prefixesOf(field: string, list: string): readonly Prefix[] {
  return list
    .split(',')
    .filter(text => text !== '')
    .map(text => {
      const prefix = parsePrefix(text);
      if (prefix !== undefined) return prefix;
      throw new FairleadError('agent/bad-prefix', `"${text}" is not a prefix`, { field });
    });
}
