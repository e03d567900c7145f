import { FairleadError } from '../../base/errors.ts';
import type { Image } from './image.ts';
import { builtinTable, type ImageRow } from './image-table.ts';
import { parseImageReference } from './reference.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const LARGEST = 1 << 20;

const KEYS = ['names', 'program', 'like', 'args', 'env', 'user', 'workingDirectory', 'shell'] as const;

/** What a row of the file may say, before it is checked. */
type Row = Readonly<Partial<Record<(typeof KEYS)[number], unknown>>>;

/**
 * The rows of an image map that people write: YAML with a list `images`, in which each row has `names` and either a
 * `program` of this machine or another image that it is `like`. Throws a FairleadError (`images/file`) that names file,
 * line and field for the first thing that is wrong. `file` is only for its sentences.
 */
export async function parseImageFile(text: string, file: string): Promise<readonly ImageRow[]> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const wrong = (offset: number | undefined, sentence: string, field = 'images'): FairleadError => {
    const place = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
    return new FairleadError('images/file', `${place}: ${sentence}`, {
      field,
      hint: 'docs/reference/images.md shows what an image map looks like.',
    });
  };
  if (text.length > LARGEST) throw wrong(undefined, `an image map has at most ${LARGEST} characters.`);
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) throw wrong(broken.pos[0], broken.message.split('\n')[0] ?? 'it is no YAML');
  const offsetOf = (path: readonly (string | number)[]): number | undefined => {
    const node = document.getIn(path, true) as
      | { readonly range?: readonly [number, number, number] }
      | undefined;
    return node?.range?.[0];
  };
  const content = document.toJS() as unknown;
  if (!isRecord(content) || !Array.isArray(content.images))
    throw wrong(0, 'an image map is an object with a list `images`.');
  const unknown = Object.keys(content).find(key => key !== 'images');
  if (unknown !== undefined)
    throw wrong(offsetOf([unknown]), `there is no field "${unknown}"; it is "images".`);
  return content.images.map((row: unknown, index) => {
    const fail = (key: string | undefined, sentence: string): never => {
      const path = key === undefined ? ['images', index] : ['images', index, key];
      const field = `images[${index}]${key === undefined ? '' : `.${key}`}`;
      throw wrong(offsetOf(path) ?? offsetOf(['images', index]), sentence, field);
    };
    if (!isRecord(row)) return fail(undefined, 'a row of the image map is an object.');
    const stray = Object.keys(row).find(key => !(KEYS as readonly string[]).includes(key));
    if (stray !== undefined)
      return fail(stray, `there is no field "${stray}"; a row has ${KEYS.join(', ')}.`);
    return rowOf(row, fail);
  });
}

type Fail = (key: string | undefined, sentence: string) => never;

function rowOf(row: Row, fail: Fail): ImageRow {
  const names = namesOf(row, fail);
  if ((row.program === undefined) === (row.like === undefined))
    return fail(undefined, 'a row names either a `program` of this machine or an image that it is `like`.');
  return row.like === undefined ? programRow(names, row, fail) : likeRow(names, row, fail);
}

function namesOf(row: Row, fail: Fail): readonly string[] {
  if (!isTexts(row.names) || row.names.length === 0)
    return fail('names', '`names` is a list of image names.');
  return row.names.map(name => {
    const parsed = parseImageReference(name);
    if (parsed === undefined) return fail('names', `"${name}" is no image name.`);
    if (parsed.digest !== undefined || /:[^/]*$/.test(name))
      return fail('names', `"${name}" has a tag or digest: every tag of an image means the same here.`);
    return parsed.name;
  });
}

function likeRow(names: readonly string[], row: Row, fail: Fail): ImageRow {
  const extra = KEYS.find(key => !['names', 'like'].includes(key) && row[key] !== undefined);
  if (extra !== undefined) return fail(extra, `\`${extra}\` is for rows with a \`program\`.`);
  const name = typeof row.like === 'string' ? parseImageReference(row.like)?.name : undefined;
  const model = builtinTable.find(each => name !== undefined && each.names.includes(name));
  return model === undefined
    ? fail('like', `"${String(row.like)}" is none of the built-in images.`)
    : { ...model, names };
}

function programRow(names: readonly string[], row: Row, fail: Fail): ImageRow {
  const { program, args = [], env = {}, workingDirectory = '/', shell = true } = row;
  if (typeof program !== 'string' || !program.startsWith('/') || program.split('/').includes('..'))
    return fail('program', '`program` is the absolute path of a program of this machine.');
  if (!isTexts(args)) return fail('args', '`args` is a list of texts.');
  if (!isRecord(env) || !Object.entries(env).every(([name, value]) => isVariable(name, value)))
    return fail('env', '`env` maps names of variables to texts.');
  if (typeof workingDirectory !== 'string' || !workingDirectory.startsWith('/'))
    return fail('workingDirectory', '`workingDirectory` is an absolute path.');
  if (typeof shell !== 'boolean') return fail('shell', '`shell` is true or false.');
  const image: Image = {
    id: `host://${program}`,
    entrypoint: [program],
    command: args,
    environment: { PATH, ...(env as Record<string, string>) }, // its values were checked
    workingDirectory,
    user: userOf(row, fail),
    programs: shell ? {} : { [program]: { arguments: [program] } },
    hasShell: shell,
  };
  return { names, image, needs: program };
}

/** `uid` or `uid:gid`, as a Dockerfile's USER with numbers. */
function userOf(row: Row, fail: Fail): Image['user'] {
  const { user = '0:0' } = row;
  const text = typeof user === 'number' ? String(user) : typeof user === 'string' ? user : '';
  const [, uid = '', gid = uid] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? [];
  if (uid === '') return fail('user', '`user` is a user id, or user and group id as in "33:33".');
  return { uid: Number(uid), gid: Number(gid) };
}

const isVariable = (name: string, value: unknown): boolean =>
  /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && typeof value === 'string' && !value.includes('\0');

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(each => typeof each === 'string' && !each.includes('\0'));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
