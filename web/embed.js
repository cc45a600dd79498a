/*
 * embed: builds the client, compresses it, and writes the C file that holds it.
 *
 * usage: embed.js OUT.c OUT.d FOLDER
 */
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};
const WORTH_IT = 0.9;
const GZIPPED_MAX = 60_000;

const here = dirname(fileURLToPath(import.meta.url));
const [out, depfile, folder] = process.argv.slice(2).map((path) => resolve(path));
const site = join(folder, 'site');
const packed = join(folder, 'packed');

process.chdir(here);
const { build } = await import('vite');
await build({
  root: here,
  logLevel: 'warn',
  build: { outDir: site, emptyOutDir: true },
});

function brotli(bytes) {
  return brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
  });
}

/** Writes one form of a file where the assembler finds it; null if it is not worth it. */
function pack(bytes, plain, name) {
  if (bytes !== plain && bytes.length > plain.length * WORTH_IT) return null;
  const path = join(packed, name);
  writeFileSync(path, bytes);
  return { path, size: bytes.length };
}

mkdirSync(packed, { recursive: true });
const names = globSync('**/*.*', { cwd: site }).sort((a, b) => (a < b ? -1 : 1));
let symbols = 0;
let assembly = '';
let externs = '';
let rows = '';
let total = 0;

function slice(form) {
  if (!form) return '{NULL, 0}';
  const symbol = `tt_web_${symbols++}`;
  assembly += `__asm__(".section .rodata\\n.global ${symbol}\\n${symbol}:\\n"\n`;
  assembly += `        ".incbin \\"${form.path}\\"\\n.previous\\n");\n`;
  externs += `extern const char ${symbol}[];\n`;
  return `{${symbol}, ${form.size}}`;
}

names.forEach((name, i) => {
  const plain = readFileSync(join(site, name));
  const type = TYPES[extname(name)];
  if (!type) throw new Error(`embed: which type has ${name}?`);
  const zipped = gzipSync(plain, { level: 9 });
  total += zipped.length;
  const etag = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
  const forms = [
    pack(plain, plain, `${i}.plain`),
    pack(zipped, plain, `${i}.gz`),
    pack(brotli(plain), plain, `${i}.br`),
  ];
  rows += `    {"/${name}", "${type}", "\\"${etag}\\"", ${name.startsWith('assets/')},\n`;
  rows += `     ${forms.map(slice).join(', ')}},\n`;
});

writeFileSync(
  out,
  `/* Made by web/embed.js. */\n#include "app/web_files.h"\n\n${assembly}\n${externs}
static const struct tt_static_file files[] = {\n${rows}};\n
const struct tt_static_files tt_web_files = {files, sizeof(files) / sizeof(files[0])};\n`,
);
const root = dirname(here);
const sources = globSync(['web/**/*', 'sdk/js/src/*', 'package-lock.json'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules') || path.includes('dist'),
}).filter((path) => extname(path));
const target = relative(process.env.MESON_BUILD_ROOT ?? '.', out);
const needed = sources.map((path) => join(root, path)).join(' ');
writeFileSync(
  depfile,
  `${target}: ${needed}
`,
);
process.stderr.write(`web client: ${names.length} files, ${total} bytes gzipped\n`);
if (total > GZIPPED_MAX) throw new Error(`embed: that is over ${GZIPPED_MAX}`);
