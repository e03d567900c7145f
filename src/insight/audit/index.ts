/** How ready a cluster is, in six things: pure checks over lists of objects. */
export { allChecks } from './catalogue.ts';
export { severities } from './check.ts';
export type { Check, Item, Severity } from './check.ts';
export { kindWords } from './facts.ts';
export type { AuditFacts, AuditObjects, CertificateFacts, Known, MetricSample } from './facts.ts';
export { openFindings, runAudit, suppressionPrefix } from './run-audit.ts';
export type { AuditReport, CheckResult, Finding, ItemScore } from './run-audit.ts';
export { factsOfManifests } from './manifest-facts.ts';
export { readPrometheusText } from './prometheus-text.ts';
