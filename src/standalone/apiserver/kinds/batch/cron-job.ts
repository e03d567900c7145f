import type { Fields } from '../../object.ts';
import { podTemplateDefaults } from '../core/pod-defaults.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { age } from '../print/duration.ts';
import { cronProblem } from '../text/cron.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { TEMPLATE_COLUMNS, templateCells } from '../apps/workload.ts';
import { checkJobSpec } from './job.ts';

/** A Job's name is this one's and eleven characters for the time. */
const LONGEST_NAME = 52;

export const CRON_JOB: Definition = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  schema: 'io.k8s.api.batch.v1.CronJob',
  namespaced: true,
  shortNames: ['cj'],
  categories: ['all'],
  subresources: [statusOf('CronJob')],
  defaults: object => within(fill(object, { spec: {} }), 'spec', withSpec),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    const name = object.child('metadata').child('name');
    if (before === undefined && name.text.length > LONGEST_NAME) {
      found.invalid(name, `must be no more than ${LONGEST_NAME} characters`);
    }
    checkSpec(found, object.child('spec'));
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Schedule', 'When, as in a crontab.'),
      column('Timezone', 'Where the clock of the schedule hangs.'),
      column('Suspend', 'Whether no Jobs are made for now.', 'boolean'),
      column('Active', 'Jobs that run now.', 'integer'),
      column('Last Schedule', 'Time since a Job was made last.'),
      AGE,
      ...TEMPLATE_COLUMNS,
    ],
    cells: (object, now) => {
      const [spec, status] = [object.child('spec'), object.child('status')];
      const last = status.child('lastScheduleTime');
      return [
        nameOf(object),
        spec.child('schedule').text,
        spec.child('timeZone').text === '' ? '<none>' : spec.child('timeZone').text,
        spec.child('suspend').flag ? 'True' : 'False',
        status.child('active').list.length,
        last.present ? age(last.value, now) : '<none>',
        ageOf(object, now),
        ...templateCells(spec.child('jobTemplate')),
      ];
    },
  },
};

function withSpec(spec: Fields): Fields {
  const filled = fill(spec, {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: {},
  });
  return within(filled, 'jobTemplate', template =>
    within(fill(template, { metadata: {}, spec: {} }), 'spec', job =>
      within(job, 'template', podTemplateDefaults),
    ),
  );
}

function checkSpec(found: Findings, spec: Place): void {
  const schedule = spec.child('schedule');
  if (schedule.text === '') found.required(schedule);
  else {
    const problem = cronProblem(schedule.text);
    if (problem !== undefined) found.invalid(schedule, problem);
  }
  const zone = spec.child('timeZone');
  if (zone.present && !isTimeZone(zone.text)) found.invalid(zone, `unknown time zone ${zone.text}`);
  found.oneOf(spec.child('concurrencyPolicy'), ['Allow', 'Forbid', 'Replace']);
  for (const name of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit']) {
    found.notNegative(spec.child(name));
  }
  const job = spec.child('jobTemplate').child('spec');
  checkJobSpec(found, job);
  if (job.child('manualSelector').flag) found.notSupported(job.child('manualSelector'), ['nil', 'false']);
}

function isTimeZone(name: string): boolean {
  try {
    // A zone by name: neither the machine's own nor an offset.
    return (
      name !== '' &&
      name !== 'Local' &&
      /^[A-Za-z]/.test(name) &&
      new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
    );
  } catch {
    return false; // Intl says by a RangeError that it does not know the zone
  }
}
