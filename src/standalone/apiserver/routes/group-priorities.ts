/** How much clients prefer a group, as upstream has it (APIService `groupPriorityMinimum`). */
const PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  'apiregistration.k8s.io': 17_900,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};

/** Groups of definitions have 1000. */
export const priorityOf = (group: string): number => PRIORITIES[group] ?? 1000;

/** The order in which clients resolve short names: the preferred first, equals by name. */
export const compareGroups = (a: string, b: string): number =>
  priorityOf(b) - priorityOf(a) || (a < b ? -1 : a > b ? 1 : 0);
