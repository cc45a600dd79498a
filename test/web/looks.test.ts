/*
 * looks: every screen at three sizes and in both themes looks as the pictures of docs/screenshots
 * do, which somebody has looked at. Where it is meant to look different now, `tool/screenshots`
 * makes them anew, to be looked at again.
 */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { difference } from './stage/compare.ts';
import { walk, WALKS } from './stage/looks.ts';

const KEPT = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../build/looks', import.meta.url));

type Colour = [number, number, number];
const BLUE: Colour = [10, 111, 208];
const GREY: Colour = [68, 100, 92];
const PAPER: Colour = [215, 243, 233];

before(() => rm(FOLDER, { recursive: true, force: true }));

/** Every colour near `from` becomes `to`. */
function recoloured(picture: Buffer, from: Colour, to: Colour): Buffer {
  const png = PNG.sync.read(picture);
  for (let i = 0; i < png.data.length; i += 4) {
    if (from.every((value, k) => Math.abs(png.data[i + k]! - value) < 60)) png.data.set(to, i);
  }
  return PNG.sync.write(png);
}

test('a tick that is missing, or has another colour, would be found', async () => {
  const path = join(KEPT, 'phone-light-chat.png');
  const kept = await readFile(path);
  assert.equal(await difference(kept, path, 'same', FOLDER), null);
  const grey = recoloured(kept, BLUE, GREY);
  assert.match((await difference(grey, path, 'grey', FOLDER)) ?? '', /differs in \d+ pixels/);
  const none = recoloured(kept, BLUE, PAPER);
  assert.match((await difference(none, path, 'none', FOLDER)) ?? '', /differs in \d+ pixels/);
});

for (const way of WALKS) {
  test(`${way.name}, ${way.width} by ${way.height}`, async () => {
    const wrongs: (string | null)[] = [];
    await walk(way, async (look, picture) => {
      const name = `${way.name}-${look}`;
      wrongs.push(await difference(picture, join(KEPT, `${name}.png`), name, FOLDER));
    });
    assert.ok(wrongs.length >= 5, `${wrongs.length} pictures were compared`);
    assert.deepEqual(
      wrongs.filter((wrong) => wrong !== null),
      [],
    );
  });
}
