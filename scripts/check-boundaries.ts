/** Fails where an import crosses a boundary of `boundaries.ts`; says file, line, what was imported and the rule. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { blockDoors, folders, mayStartPrograms, reserved, roles } from './boundaries.ts';

const root = resolve(import.meta.dirname, '..', 'src');
const importLine =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
}

export function checkTree(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts'),
  );
  return files.flatMap(file => {
    const text = readFileSync(join(directory, file), 'utf8');
    return [...checkFolder(file), ...importsOf(file, text).flatMap(checkImport)];
  });
}

function importsOf(file: string, text: string): readonly Import[] {
  return [...text.matchAll(importLine)].map(match => ({
    file,
    line: text.slice(0, match.index + match[0].length).split('\n').length,
    target: match[1] ?? match[2] ?? match[3] ?? '',
  }));
}

function checkFolder(file: string): readonly string[] {
  const folder = file.split('/')[0] ?? '';
  return folder in folders
    ? []
    : [
        `src/${file}: the folder ${folder}/ is not in the house; add it to scripts/boundaries.ts with its reason`,
      ];
}

function checkImport(found: Import): readonly string[] {
  const problems = found.target.startsWith('.') ? checkRelative(found) : checkPackage(found);
  return problems.map(problem => `src/${found.file}:${found.line}: imports ${found.target}: ${problem}`);
}

function checkRelative({ file, target }: Import): readonly string[] {
  const path = posix.normalize(posix.join(dirname(file), target));
  if (path.startsWith('..')) return path === '../package.json' ? [] : ['it lies outside src/'];
  const [from, to] = [file.split('/')[0] ?? '', path.split('/')[0] ?? ''];
  const problems: string[] = [];
  if (from !== to && !(folders[from] ?? []).includes(to))
    problems.push(`${from}/ may import ${(folders[from] ?? []).join(', ') || 'nothing'}`);
  const crossesIntoBlock =
    from !== to && blockDoors.blocks.includes(to) && !blockDoors.keyholders.includes(from);
  if (crossesIntoBlock && posix.basename(path) !== blockDoors.door)
    problems.push(`${to}/ is met through its ${blockDoors.door}`);
  if (file.endsWith('.test.ts')) return problems;
  const role = roles.find(({ files }) => files.test(file));
  if (role !== undefined && !role.mayImport.test(path)) problems.push(role.name);
  if (!file.endsWith('.test.ts') && path.endsWith('.test.ts')) problems.push('tests are not for importing');
  return problems;
}

function checkPackage({ file, target }: Import): readonly string[] {
  const problems: string[] = [];
  if (file.endsWith('.test.ts')) return problems;
  const owner =
    reserved[
      target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/')
    ];
  if (owner !== undefined && !owner.test(file)) problems.push(`only files matching ${owner} load it`);
  if (!target.startsWith('node:')) return problems;
  if (
    target === 'node:child_process' &&
    !Object.keys(mayStartPrograms).some(prefix => file.startsWith(prefix))
  ) {
    problems.push('programs are started by kernel/ (see mayStartPrograms)');
  }
  const role = roles.find(({ files }) => files.test(file));
  if (role !== undefined && !role.mayUseNode.includes(target)) problems.push(role.name);
  return problems;
}

if (import.meta.main) {
  const problems = checkTree(root);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0)
    console.error(
      `${problems.length} imports cross a boundary; the rules are data in ${relative(process.cwd(), join(import.meta.dirname, 'boundaries.ts'))}`,
    );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
