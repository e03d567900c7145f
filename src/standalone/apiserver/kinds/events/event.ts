import type { ApiObject } from '../../object.ts';
import type { Definition } from '../define.ts';
import { column, nameOf, wideColumn, NAME } from '../print/columns.ts';
import { age } from '../print/duration.ts';
import type { Place } from '../validation/place.ts';

const COLUMNS = [
  column('Last Seen', 'When it happened last.'),
  column('Type', 'Normal or Warning.'),
  column('Reason', 'Why it happened, in one word.'),
  column('Object', 'What it is about.'),
  wideColumn('Subobject', 'The part of the object.'),
  wideColumn('Source', 'Who reported it.'),
  column('Message', 'What happened.'),
  wideColumn('First Seen', 'When it happened first.'),
  wideColumn('Count', 'How often it happened.'),
  { ...NAME, priority: 1 },
];

/** Where the two versions keep the same thing. */
interface View {
  readonly object: string;
  readonly message: string;
  readonly first: string;
  readonly last: string;
  readonly count: string;
  readonly source: string;
  readonly controller: string;
}

const CORE_VIEW: View = {
  object: 'involvedObject',
  message: 'message',
  first: 'firstTimestamp',
  last: 'lastTimestamp',
  count: 'count',
  source: 'source',
  controller: 'reportingComponent',
};

const EVENTS_VIEW: View = {
  object: 'regarding',
  message: 'note',
  first: 'deprecatedFirstTimestamp',
  last: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  source: 'deprecatedSource',
  controller: 'reportingController',
};

/** Events are about now: an hour after the last write they go. */
const ONE_HOUR = 3600;

const VIEW_FIELDS = Object.keys(CORE_VIEW) as (keyof View)[];

const OBJECT_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

function define(group: string, schema: string, view: View): Definition {
  return {
    group,
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    schema,
    namespaced: true,
    shortNames: ['ev'],
    validate: (found, object) => {
      const namespace = object.child('metadata').child('namespace');
      const about = object.child(view.object).child('namespace');
      const expected = about.text === '' ? 'default' : about.text;
      if (namespace.text !== '' && namespace.text !== expected) {
        found.invalid(about, 'does not match event.namespace', about.text);
      }
      if (Buffer.byteLength(object.child(view.message).text) > 1024 && object.child('eventTime').present) {
        found.invalid(object.child(view.message), 'can have at most 1024 characters');
      }
    },
    strategy: { tracksFromFirstApply: true, allowsCreateOnUpdate: true, timeToLiveSeconds: ONE_HOUR },
    selectors: ['type', 'reason', view.controller],
    computedSelectors: {
      ...Object.fromEntries(
        OBJECT_FIELDS.map(name => [
          `${view.object}.${name}`,
          (object: Place) => object.child(view.object).child(name).text,
        ]),
      ),
      source: object =>
        object.child(view.source).child('component').text || object.child(view.controller).text,
    },
    table: { columns: COLUMNS, cells: (object, now) => cells(object, now, view) },
  };
}

/** Events as nearly everyone reads and writes them. */
export const EVENT = define('', 'io.k8s.api.core.v1.Event', CORE_VIEW);

/** The same events as client-go's newer recorder writes them. */
export const EVENTS_EVENT: Definition = {
  ...define('events.k8s.io', 'io.k8s.api.events.v1.Event', EVENTS_VIEW),
  storage: '/events',
  view: {
    toStorage: object => renamed(object, 'v1', EVENTS_VIEW, CORE_VIEW),
    fromStorage: object => renamed(object, 'events.k8s.io/v1', CORE_VIEW, EVENTS_VIEW),
  },
};

/** The object with the fields of one view under the names of the other. */
function renamed(object: ApiObject, apiVersion: string, from: View, to: View): ApiObject {
  const names = new Map(VIEW_FIELDS.map(field => [from[field], to[field]] as const));
  const fields = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value] as const);
  return { ...(Object.fromEntries(fields) as ApiObject), apiVersion };
}

function cells(object: Place, now: number, view: View): readonly unknown[] {
  const series = object.child('series');
  const eventTime = object.child('eventTime').value;
  const first = age(object.child(view.first).value ?? eventTime, now);
  const last = object.child(view.last).present ? age(object.child(view.last).value, now) : first;
  return [
    series.present ? age(series.child('lastObservedTime').value, now) : last,
    object.child('type').text,
    object.child('reason').text,
    objectText(object.child(view.object)),
    object.child(view.object).child('fieldPath').text,
    sourceText(object, view),
    object.child(view.message).text.trim(),
    first,
    series.present ? series.child('count').number : object.child(view.count).number || 1,
    nameOf(object),
  ];
}

function objectText(about: Place): string {
  const kind = about.child('kind').text.toLowerCase();
  const name = about.child('name').text;
  return name === '' ? kind : `${kind}/${name}`;
}

function sourceText(object: Place, view: View): string {
  const source = object.child(view.source);
  const parts = [
    source.child('component').text || object.child(view.controller).text,
    source.child('host').text || object.child('reportingInstance').text,
  ];
  return parts.filter(part => part !== '').join(', ');
}
