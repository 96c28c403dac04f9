/** The house as it is drawn: imports point downward, and what touches the outside has one owner. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

/** Folders from the top down; those of one layer may use each other in one direction. */
const layers = [
  ['cli'],
  ['mount', 'prefetch', 'thumbnails'],
  ['fetch'],
  ['cache', 'tree', 'sync'],
  ['index', 'sources'],
  ['model'],
];

/** Who alone may import a package. Folders or, with `.ts`, single modules. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli'],
  'cli-progress': ['cli'],
  'better-sqlite3': ['index'],
  'fuse-native': ['mount'],
  'jpeg-js': ['thumbnails'],
  yauzl: ['sources'],
  'tar-stream': ['sources'],
  undici: ['sources'],
  'google-auth-library': ['sources'],
  '@googleapis/drive': ['sources'],
};

/** Uses outside `src/cli` that have a reason. */
const allowedUses = [
  // Threads of libfuse outlive Node's own teardown, so the process has to leave at once.
  'mount/fuse-native/library.ts: process.exit',
];

interface Import {
  readonly specifier: string;
  readonly dynamic: boolean;
}

interface Module {
  /** Relative to `src`, such as `cli/mount.ts`. */
  readonly path: string;
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Code without its comments; a `//` inside a string (a URL) follows a colon, so it stays. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`/])\/\/.*$/gm, '$1');
}

function importsOf(code: string): Import[] {
  const found = (pattern: RegExp, dynamic: boolean) =>
    [...code.matchAll(pattern)].map(([, specifier = '']) => ({ specifier, dynamic }));
  return [
    ...found(/^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm, false),
    ...found(/^\s*import\s*['"]([^'"]+)['"]/gm, false),
    ...found(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g, true),
    ...found(/\brequire\(\s*['"]([^'"]+)['"]\s*\)/g, true),
  ];
}

function moduleOf(path: string, text: string): Module {
  const code = withoutComments(text);
  return { path, code, imports: importsOf(code) };
}

const modules: readonly Module[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => moduleOf(path, readFileSync(join(src, path), 'utf8')));

const folderOf = (path: string): string => path.split('/')[0] ?? '';
const layerOf = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));

/** The module of `src` that an import leads to; undefined for a package. */
function targetOf(module: Module, { specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(src, resolve(src, dirname(module.path), specifier));
}

function upwardImports(all: readonly Module[]): string[] {
  return all.flatMap((module) =>
    module.imports.flatMap((one) => {
      const target = targetOf(module, one);
      if (target === undefined || !target.includes('/') || module.path === 'main.ts') return [];
      const [from, to] = [folderOf(module.path), folderOf(target)];
      return from === to || layerOf(from) <= layerOf(to) ? [] : [`${module.path} → ${target}`];
    }),
  );
}

/** A cycle in a graph, as the names along it; undefined where there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): string[] | undefined => {
    const at = way.indexOf(node);
    if (at >= 0) return [...way.slice(at), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...way, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function moduleGraph(all: readonly Module[]): Map<string, string[]> {
  const targets = (module: Module) =>
    module.imports.filter(({ dynamic }) => !dynamic).flatMap((one) => targetOf(module, one) ?? []);
  return new Map(all.map((module) => [module.path, targets(module)]));
}

function folderGraph(all: readonly Module[]): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const module of all) {
    const from = folderOf(module.path);
    const to = module.imports.flatMap((one) => targetOf(module, one) ?? []).map(folderOf);
    graph.set(from, [...(graph.get(from) ?? []), ...to.filter((folder) => folder !== from)]);
  }
  return graph;
}

/** Places where something is used that only `src/cli` (and the bin) may touch. */
function usesOfTheTerminal(all: readonly Module[]): string[] {
  const forbidden =
    /\bprocess\.(?:stdout|stderr|stdin|exit)\b|\bconsole\.(?!cloud\b)|\bprocess\.on\(\s*'SIG/g;
  return all
    .filter(({ path }) => folderOf(path) !== 'cli' && path !== 'main.ts')
    .flatMap(({ path, code }) => (code.match(forbidden) ?? []).map((use) => `${path}: ${use}`));
}

function foreignPackages(all: readonly Module[]): string[] {
  return all.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier }) => {
      const owners = packageOwners[specifier];
      return owners === undefined || owners.includes(folderOf(path)) ? [] : [`${path}: ${specifier}`];
    }),
  );
}

describe('the house', () => {
  it('has only folders that are drawn', () => {
    const found = modules.map(({ path }) => (path.includes('/') ? folderOf(path) : path));
    expect(found.filter((name) => name !== 'main.ts' && layerOf(name) === -1)).toEqual([]);
    expect(modules.length).toBeGreaterThan(50);
  });

  it('imports downward only', () => expect(upwardImports(modules)).toEqual([]));

  it('has no cycles, neither of modules nor of folders', () => {
    expect(findCycle(moduleGraph(modules))).toBeUndefined();
    expect(findCycle(folderGraph(modules))).toBeUndefined();
  });

  it('leaves the terminal and the process to the command line', () => {
    const uses = usesOfTheTerminal(modules);
    expect(uses.filter((use) => !allowedUses.includes(use))).toEqual([]);
  });

  it('has one owner for each package that reaches outside', () => {
    expect(foreignPackages(modules)).toEqual([]);
  });

  it('imports only modules that exist', () => {
    const known = new Set(modules.map(({ path }) => path));
    const broken = modules.flatMap((module) =>
      module.imports.flatMap((one) => {
        const target = targetOf(module, one);
        return target === undefined || known.has(target) ? [] : [`${module.path} → ${target}`];
      }),
    );
    expect(broken).toEqual([]);
  });
});

describe('the rules see what breaks them', () => {
  const upward = moduleOf('index/open.ts', "import { run } from '../cli/sync.ts';");

  it('an import that points upward, also as a type or a dynamic one', () => {
    expect(upwardImports([upward])).toEqual(['index/open.ts → cli/sync.ts']);
    const typed = moduleOf('model/a.ts', "import type {\n  A,\n} from '../index/a.ts';");
    expect(upwardImports([typed])).toHaveLength(1);
    const dynamic = moduleOf('sources/a.ts', "const a = await import('../fetch/a.ts');");
    expect(upwardImports([dynamic])).toHaveLength(1);
  });

  it('a cycle, but not one that a dynamic import opens', () => {
    const a = moduleOf('cli/a.ts', "import { b } from './b.ts';");
    const b = moduleOf('cli/b.ts', "export { a } from './a.ts';");
    const later = moduleOf('cli/b.ts', "const a = () => import('./a.ts');");
    expect(findCycle(moduleGraph([a, b]))).toEqual(['cli/a.ts', 'cli/b.ts', 'cli/a.ts']);
    expect(findCycle(moduleGraph([a, later]))).toBeUndefined();
  });

  it('the terminal used elsewhere, but not in a comment', () => {
    const used = moduleOf('sync/a.ts', "console.log('x'); // process.exit(1)\nprocess.stdout.write('y');");
    expect(usesOfTheTerminal([used])).toEqual(['sync/a.ts: console.', 'sync/a.ts: process.stdout']);
  });

  it('a package used by another than its owner', () => {
    const used = moduleOf('fetch/a.ts', "import Database from 'better-sqlite3';");
    expect(foreignPackages([used])).toEqual(['fetch/a.ts: better-sqlite3']);
  });
});
