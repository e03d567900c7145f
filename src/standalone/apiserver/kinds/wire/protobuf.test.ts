import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import type { Fields } from '../../object.ts';
import type { ObjectType, Shape } from '../schema/notation.ts';
import { Types } from '../schema/types.ts';
import { GROUPS } from '../tables/index.ts';
import { anyObject } from '../testing/any-object.ts';
import { decodeObject } from './protobuf.ts';

/** Field numbers of upstream's messages; developers have them beside the repository. */
const REFERENCE = new URL(
  '../../../../../../shared/data/kubernetes-v1.36/protobuf-fields.json',
  import.meta.url,
);
const skip = existsSync(REFERENCE) ? false : 'reference data is absent: protobuf fields of Kubernetes 1.36';

const types = new Types(GROUPS);
const captured = JSON.parse(readFileSync(new URL('kubectl-bodies.json', import.meta.url), 'utf8')) as {
  bodies: Record<string, string>;
};

const bodyOf = (command: string): Uint8Array => Buffer.from(captured.bodies[command] ?? '', 'base64');
const decode = (command: string): Fields => decodeObject(types, bodyOf(command));

test('a namespace that kubectl creates is read from protobuf', () => {
  assert.deepEqual(decode('create namespace shop'), {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
    spec: {},
    status: {},
  });
});

test('zero replicas are said, and stay zero; what Go leaves out stays out', () => {
  assert.deepEqual(decode('create deployment web --image=echo:1 --port=8080 --replicas=0'), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      strategy: {},
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [{ name: 'echo', image: 'echo:1', ports: [{ containerPort: 8080 }], resources: {} }],
        },
      },
    },
    status: {},
  });
});

test('bytes come as base64, also where they are empty', () => {
  const secret = decode('create secret generic keys --from-literal=password=hunter2 --from-literal=empty=');
  assert.deepEqual(secret['data'], { password: 'aHVudGVyMg==', empty: '' });
  const map = decode(
    'create configmap settings --from-literal=mode=fast --from-file=file.conf --from-file=bin.dat',
  );
  assert.deepEqual(map['data'], { mode: 'fast', 'file.conf': 'k=v\n' });
  assert.deepEqual(map['binaryData'], { 'bin.dat': 'AP8B' });
});

test('a port by name stays a name', () => {
  const service = decode('create service nodeport web --tcp=80:http --node-port=30080');
  assert.deepEqual(service['spec'], {
    ports: [{ name: '80-http', protocol: 'TCP', port: 80, targetPort: 'http', nodePort: 30_080 }],
    selector: { app: 'web' },
    type: 'NodePort',
  });
});

test('an ingress, whose rules are nested on the wire and not in JSON, is read', () => {
  const ingress = decode('create ingress web --rule=shop.example/*=web:80 --class=fairlead');
  assert.deepEqual(ingress['spec'], {
    ingressClassName: 'fairlead',
    rules: [
      {
        host: 'shop.example',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
    ],
  });
});

test('requests for tokens and access are read', () => {
  assert.deepEqual(
    (decode('create token default --duration=10m')['spec'] as Fields)['expirationSeconds'],
    600,
  );
  const review = decode('auth can-i get pods')['spec'] as Fields;
  assert.deepEqual(review['resourceAttributes'], {
    namespace: 'default',
    verb: 'get',
    resource: 'pods',
  });
});

test('whatever a second implementation writes is read back the same', () => {
  const names = [
    'core.v1.Pod',
    'core.v1.Service',
    'core.v1.Node',
    'apps.v1.Deployment',
    'networking.v1.NetworkPolicy',
  ];
  names.push('networking.v1.Ingress', 'core.v1.Event', 'coordination.v1.Lease', 'core.v1.Secret');
  for (const name of names) {
    const type = types.get(`io.k8s.api.${name}`);
    fc.assert(
      fc.property(anyObject(types, type, 6), object => {
        const decoded = decodeObject(types, envelope(type, object));
        const { apiVersion: _version, kind: _kind, ...rest } = decoded;
        assert.deepEqual(rest, object);
      }),
      { numRuns: 30 },
    );
  }
});

test('every field has the number that upstream gave it', { skip }, () => {
  const reference = JSON.parse(readFileSync(REFERENCE, 'utf8')) as Record<
    string,
    Record<string, [number, string]>
  >;
  let compared = 0;
  for (const group of GROUPS.filter(candidate => candidate.custom !== true)) {
    for (const name of types.namesIn(group)) {
      const known = reference[name.replace('io.k8s.', 'k8s.io.')];
      if (known === undefined) continue;
      assert.deepEqual(
        [...types.get(name).wire.keys()].toSorted((a, b) => a - b),
        Object.values(known)
          .map(([number]) => number)
          .toSorted((a, b) => a - b),
        name,
      );
      for (const field of types.get(name).fields.values()) {
        const number: number | undefined = known[field.name]?.[0];
        if (number !== undefined)
          assert.equal(types.get(name).wire.get(number), field, `${name}.${field.name}`);
        compared++;
      }
    }
  }
  assert.ok(compared > 900, `${compared} fields were compared`);
});

test('broken bodies are refused in words, and nothing else happens', () => {
  const refused = (bytes: Uint8Array) => {
    try {
      decodeObject(types, bytes);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'api/bad-protobuf', String(error));
    }
  };
  const commands = Object.keys(captured.bodies);
  fc.assert(
    fc.property(fc.constantFrom(...commands), fc.nat(), fc.nat(255), fc.nat(), (command, at, byte, cut) => {
      const bytes = Uint8Array.from(bodyOf(command));
      bytes[4 + (at % (bytes.length - 4))] = byte;
      refused(bytes);
      refused(bytes.subarray(0, 4 + (cut % bytes.length)));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes =>
      refused(Buffer.concat([Buffer.from('k8s\0'), bytes])),
    ),
    { numRuns: 2000 },
  );
});

test('a small body that unfolds without end is refused', () => {
  const type = types.get('io.k8s.api.core.v1.Pod');
  // Empty containers: two bytes each.
  const containers = Buffer.alloc(2_400_000, Buffer.from([(2 << 3) | 2, 0]));
  const spec = protobuf.Writer.create().uint32(tag(2, 2)).bytes(containers).finish();
  assert.throws(() => decodeObject(types, wrap(type, spec)), /more than 1000000 values/);
});

const tag = (number: number, wire: number): number => number * 8 + wire;

function envelope(type: ObjectType, object: Fields): Uint8Array {
  const writer = protobuf.Writer.create();
  writeMessage(writer, type, object);
  return wrap(type, writer.finish());
}

function wrap(type: ObjectType, raw: Uint8Array): Uint8Array {
  const group = types.groupOf(type.name);
  assert.ok(group);
  const apiVersion = group.group === '' ? group.version : `${group.group}/${group.version}`;
  const unknown = protobuf.Writer.create();
  unknown.uint32(tag(1, 2)).fork().uint32(tag(1, 2)).string(apiVersion);
  unknown
    .uint32(tag(2, 2))
    .string(type.name.slice(type.name.lastIndexOf('.') + 1))
    .ldelim();
  unknown.uint32(tag(2, 2)).bytes(raw);
  return Buffer.concat([Buffer.from('k8s\0'), unknown.finish()]);
}

/** A second writer of the wire format: protobufjs writes, the walk is by field number. */
function writeMessage(writer: protobuf.Writer, type: ObjectType, object: Fields): void {
  for (const [number, found] of type.wire) {
    if ('included' in found) {
      const inner = types.get(found.included);
      const own = Object.fromEntries(Object.entries(object).filter(([name]) => inner.fields.has(name)));
      if (Object.keys(own).length === 0) continue;
      writer.uint32(tag(number, 2)).fork();
      writeMessage(writer, inner, own);
      writer.ldelim();
    } else if (object[found.name] !== undefined) writeField(writer, number, found.shape, object[found.name]);
  }
}

function writeField(writer: protobuf.Writer, number: number, shape: Shape, value: unknown): void {
  if (shape.is === 'list') {
    for (const item of value as unknown[]) writeField(writer, number, shape.of, item);
  } else if (shape.is === 'map') {
    for (const [key, item] of Object.entries(value as Fields)) {
      writer.uint32(tag(number, 2)).fork().uint32(tag(1, 2)).string(key);
      writeField(writer, 2, shape.of, item);
      writer.ldelim();
    }
  } else if (shape.is === 'object') {
    writer.uint32(tag(number, 2)).fork();
    writeMessage(writer, types.get(shape.type), value as Fields);
    writer.ldelim();
  } else writeScalar(writer, number, shape.is, value);
}

function writeScalar(writer: protobuf.Writer, number: number, scalar: string, value: unknown): void {
  const text = String(value);
  if (scalar === 'string') writer.uint32(tag(number, 2)).string(text);
  else if (scalar === 'bool') writer.uint32(tag(number, 0)).bool(value === true);
  else if (scalar === 'int32') writer.uint32(tag(number, 0)).int32(Number(value));
  else if (scalar === 'int64') writer.uint32(tag(number, 0)).int64(Number(value));
  else if (scalar === 'bytes') writer.uint32(tag(number, 2)).bytes(Buffer.from(text, 'base64'));
  else {
    writer.uint32(tag(number, 2)).fork();
    if (scalar === 'quantity') writer.uint32(tag(1, 2)).string(text);
    else if (scalar === 'intOrString') {
      writer.uint32(tag(1, 0)).int64(typeof value === 'string' ? 1 : 0);
      writer.uint32(tag(2, 0)).int32(typeof value === 'number' ? value : 0);
      writer.uint32(tag(3, 2)).string(typeof value === 'string' ? value : '');
    } else if (scalar === 'time' || scalar === 'microTime') {
      writer.uint32(tag(1, 0)).int64(Math.floor(Date.parse(text) / 1000));
      const fraction = scalar === 'microTime' ? Number(text.slice(20, 26)) * 1000 : 0;
      writer.uint32(tag(2, 0)).int32(fraction);
    } else writer.uint32(tag(1, 2)).string(JSON.stringify(value));
    writer.ldelim();
  }
}
