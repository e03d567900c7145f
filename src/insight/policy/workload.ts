/** `shop/web` of a pod `shop/web-5d9c7-x2k4f`: without what a Deployment's controllers add; others are themselves. */
export function workloadOf(pod: string, labels: Readonly<Record<string, string>>): string {
  const hash = labels['pod-template-hash'];
  const at = hash === undefined ? -1 : pod.lastIndexOf(`-${hash}-`);
  return at < 0 ? pod : pod.slice(0, at);
}
