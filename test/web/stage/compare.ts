/*
 * compare: whether a picture is the one that is kept, as an eye would say it.
 *
 * Kept ones have a palette of 256 colours, and letters are smoothed a little differently by every
 * version of a browser: neither counts, a tick that is missing does.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

/** How far a colour may be off; the ticks' own grey and blue are much further apart. */
const THRESHOLD = 0.12;
const PIXELS_MAX = 60;

/**
 * What is wrong with `taken`, as a sentence, or null. What was seen and where it differs are laid
 * into `folder`.
 */
export async function difference(
  taken: Buffer,
  keptPath: string,
  name: string,
  folder: string,
): Promise<string | null> {
  const complain = async (what: string, marked?: PNG) => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}.png`), taken);
    if (marked) await writeFile(join(folder, `${name}-differs.png`), PNG.sync.write(marked));
    return `${name} ${what}: see ${folder}`;
  };
  if (!existsSync(keptPath)) return complain('is not kept');
  const now = PNG.sync.read(taken);
  const kept = PNG.sync.read(await readFile(keptPath));
  const { width, height } = now;
  if (kept.width !== width || kept.height !== height) return complain('has another size');
  const marked = new PNG({ width, height });
  const count = pixelmatch(kept.data, now.data, marked.data, width, height, {
    threshold: THRESHOLD,
  });
  return count <= PIXELS_MAX ? null : complain(`differs in ${count} pixels`, marked);
}
