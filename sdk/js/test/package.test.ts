/*
 * package: what `npm pack` makes is whole, and the README's first example runs as printed.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Server } from '../../../test/web/stage/server.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));

let folder = '';
let server: Server;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twoticks-package-'));
  server = await Server.start();
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The package as somebody gets it who installs it. */
async function install(): Promise<string[]> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
  const npm = fileURLToPath(new URL('../../../.node/bin/npm', import.meta.url));
  const pack = [npm, 'pack', '--json', '--silent', '--pack-destination', folder];
  await run(process.execPath, [npm, 'run', '--silent', 'build'], { cwd: here, env });
  const { stdout } = await run(process.execPath, [...pack, '--ignore-scripts'], { cwd: here, env });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  const target = join(folder, 'node_modules/twoticks');
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', join(folder, packed!.filename), '-C', target, '--strip-components=1']);
  return packed!.files.map((file) => file.path);
}

test('the package is whole, and its first example runs as printed', async () => {
  const files = await install();
  for (const wanted of ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'])
    assert.ok(files.includes(wanted), `${wanted} is missing`);
  assert.ok(!files.some((file) => /^(src|test)\//.test(file) || file.includes('tsconfig')));

  const readme = await readFile(join(here, 'README.md'), 'utf8');
  const example = /```js\n(.*?)```/s.exec(readme)![1]!;
  const printed = /```text\n(.*?)```/s.exec(readme)![1]!;
  await writeFile(join(folder, 'hello.mjs'), example);
  const { stdout, stderr } = await run(process.execPath, ['hello.mjs', server.url], {
    cwd: folder,
    timeout: 60_000,
  });
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n').sort(), printed.trim().split('\n').sort());
});

test('its types are all that an app needs', async () => {
  const use = `import { connect, type Client, type Tick, TwoTicksError } from 'twoticks';
const client: Client = await connect({ userId: 'alice', token: 'x' });
const tick: Tick | null | undefined = client.conversations()[0]?.last?.tick;
try { const { seq }: { seq: number } = await client.send('c', 'x'); void seq; }
catch (error) { if (error instanceof TwoTicksError) console.log(error.code, tick); }
client.on('message', ({ conversationId, content }) => console.log(conversationId, content));
// @ts-expect-error there is no such event
client.on('nonsense', () => {});
`;
  await writeFile(join(folder, 'use.mts'), use);
  const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'];
  await run(process.execPath, [tsc, ...options, '--lib', 'es2023,dom', 'use.mts'], { cwd: folder });
});

test('every public function says what it does', async () => {
  const dist = join(folder, 'node_modules/twoticks/dist');
  const missing: string[] = [];
  let count = 0;
  for (const file of ['client', 'timeline', 'emitter', 'tick', 'backoff']) {
    const lines = (await readFile(join(dist, `${file}.d.ts`), 'utf8')).split('\n');
    lines.forEach((line, i) => {
      if (!/^( {4}(?!#|private|constructor)[\w<> ]+\(|export declare (function|class))/.test(line))
        return;
      count++;
      if (!lines[i - 1]?.trimEnd().endsWith('*/')) missing.push(`${file}: ${line.trim()}`);
    });
  }
  assert.ok(count > 35, `${count} functions were looked at`);
  assert.deepEqual(missing, []);
});
