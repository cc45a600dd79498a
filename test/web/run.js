/*
 * run: runs the tests of JavaScript, one file after the other, and reports them as all suites do.
 *
 * usage: run.js [--report FILE] [--types] [FILE | FOLDER]...
 */
import { spawnSync } from 'node:child_process';
import { globSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string' }, types: { type: 'boolean', default: false } },
});
const passed = [];
const failed = [];

/** The projects whose types are checked. */
const PROJECTS = ['sdk/js', 'web', 'web/src/worker', 'test/web'];

function checkTypes() {
  for (const project of PROJECTS) {
    const done = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', join(root, project)],
      { stdio: 'inherit' },
    );
    (done.status === 0 ? passed : failed).push(`types of ${project}`);
  }
}

function filesOf(path) {
  return statSync(path).isDirectory() ? globSync(join(path, '**/*.test.ts')).sort() : [path];
}

async function runTests(files) {
  const stream = run({ files, concurrency: 1, timeout: 300_000 });
  const take = (list) => (test) => {
    if (test.details.type === 'suite' || test.skip) return;
    list.push(`${relative(root, test.file ?? '')}: ${test.name}`);
  };
  stream.on('test:pass', take(passed));
  stream.on('test:fail', take(failed));
  stream.compose(spec()).pipe(process.stdout);
  await new Promise((resolve) => stream.on('end', resolve));
}

if (values.types) checkTypes();
const files = positionals.flatMap(filesOf);
if (files.length > 0) await runTests(files);
if (values.report) writeFileSync(values.report, JSON.stringify({ passed, failed }));
process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0;
