import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FairleadError } from '../../base/errors.ts';
import { parseImageFile } from './image-file.ts';
import { ImageMap } from './image-map.ts';
import { commandLineOf, type Image } from './image.ts';
import { OwnImages, keepImageFile, readImageFile } from './own-images.ts';

const parse = (text: string) => parseImageFile(text, 'map.yaml');

test("people's own rows stand for programs of this machine, or for what is built in", async () => {
  const rows = await parse(`
images:
- names: [nginx, example.com:5000/shop/web]
  program: /usr/sbin/nginx
  args: [-g, daemon off;]
  env: {COLOUR: green}
  user: "33:34"
  workingDirectory: /var
- names: [my/echo]
  like: echo
- names: [one-program]
  program: /bin/true
  shell: false
  user: 7
`);
  const map = new ImageMap(rows, () => true);
  const imageOf = (reference: string): Image => {
    const resolved = map.resolve(reference);
    assert.equal(resolved.kind, 'mapped');
    return (resolved as { image: Image }).image;
  };
  const nginx = imageOf('nginx:1.27');
  assert.equal(nginx.id, 'host:///usr/sbin/nginx');
  assert.deepEqual(nginx.user, { uid: 33, gid: 34 });
  assert.equal(nginx.environment.COLOUR, 'green');
  assert.deepEqual(commandLineOf(nginx, undefined, undefined), {
    kind: 'run',
    arguments: ['/usr/sbin/nginx', '-g', 'daemon off;'],
  });
  assert.equal(imageOf('example.com:5000/shop/web'), nginx);
  assert.equal(imageOf('my/echo').id, 'builtin://echo');
  const alone = imageOf('one-program');
  assert.deepEqual(alone.user, { uid: 7, gid: 7 });
  assert.equal(commandLineOf(alone, ['sh'], undefined).kind, 'refused');
});

const wrong: readonly (readonly [text: string, sentence: RegExp, field?: string])[] = [
  ['', /^map\.yaml:1: an image map is an object with a list `images`/],
  ['images: {}', /^map\.yaml:1: an image map is an object/],
  ['images: [', /^map\.yaml:1: /],
  ['images: []\nimage: []', /^map\.yaml:2: there is no field "image"/],
  ['images:\n- names: [a]\n  path: /x', /^map\.yaml:3: there is no field "path"/, 'images[0].path'],
  ['images:\n- names: [a]', /^map\.yaml:2: a row names either/],
  ['images:\n- names: [a]\n  program: /x\n  like: echo', /^map\.yaml:2: a row names either/],
  [
    'images:\n- {names: [a], like: echo}\n- names: [b:1]\n  like: echo',
    /^map\.yaml:3: "b:1" has a tag/,
    'images[1].names',
  ],
  ['images:\n- {names: [Bad Name], like: echo}', /"Bad Name" is no image name/],
  ['images:\n- {names: a, like: echo}', /`names` is a list/],
  ['images:\n- {names: [a], like: nginx}', /"nginx" is none of the built-in images/],
  ['images:\n- {names: [a], like: echo, args: [x]}', /`args` is for rows with a `program`/],
  ['images:\n- {names: [a], program: bin/x}', /absolute path/],
  ['images:\n- {names: [a], program: /x/../y}', /absolute path/],
  ['images:\n- {names: [a], program: /x, args: [1]}', /`args` is a list of texts/],
  ['images:\n- {names: [a], program: /x, env: {A: 1}}', /`env` maps/],
  ['images:\n- {names: [a], program: /x, user: www-data}', /`user` is a user id/],
  ['images:\n- {names: [a], program: /x, shell: "yes"}', /`shell` is true or false/],
  ['images:\n- 7', /a row of the image map is an object/],
];

for (const [text, sentence, field] of wrong) {
  test(`the image map ${JSON.stringify(text)} is refused with its line`, async () => {
    await assert.rejects(parse(text), error => {
      assert.ok(error instanceof FairleadError);
      assert.equal(error.code, 'images/file');
      assert.match(error.message, sentence);
      if (field !== undefined) assert.equal(error.field, field);
      return true;
    });
  });
}

test('the map follows its file, and keeps what it had when the file is not there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-images-'));
  try {
    const file = join(directory, 'images.yaml');
    const map = new ImageMap([], () => true);
    const own = new OwnImages(file, map);
    assert.equal(await own.refresh(), false);
    assert.equal(map.resolve('nginx').kind, 'refused');
    const given = join(directory, 'given.yaml');
    writeFileSync(given, 'images:\n- {names: [nginx], like: echo}\n');
    keepImageFile(file, await readImageFile(given));
    assert.equal(await own.refresh(), true);
    assert.equal(map.resolve('nginx').kind, 'mapped');
    assert.equal(await own.refresh(), false);
    await assert.rejects(readImageFile(join(directory, 'absent')), /cannot be read/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
