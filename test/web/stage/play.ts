/*
 * play: a server and a browser for the tests of one file, taken down whatever happens.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Stage } from './browser.ts';
import { Server } from './server.ts';
import { Talk } from './talk.ts';

export interface Play {
  server: Server;
  stage: Stage;
  talk: Talk;
}

/** Filled in before the first test runs. */
export function play(...options: string[]): Play {
  const scene = {} as Play;
  before(async () => {
    scene.server = await Server.start(...options);
    scene.stage = await Stage.open(scene.server.url);
    scene.talk = await Talk.start(scene.server);
  });
  after(async () => {
    await scene.stage?.close();
    await scene.server?.stop();
    assert.deepEqual(scene.stage?.wrongs, [], 'no console message, no breach, no other origin');
  });
  return scene;
}
