// What one push costs: the notifier (its own threads / the whole probe) and h2load, a bare client
// on nghttp2 that repeats one request, take turns against the double of APNs.
//   PUSH_PROBE=build/dev/test/push/push_probe node test/push/cost.mjs
import { spawn } from 'node:child_process';
import { sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApnsDouble } from './apns.mjs';
import { KEY_ID, TEAM, TOPIC, apnsArguments, makeWorld, runProbe } from './lib.mjs';

const PUSHES = 20000;
const world = makeWorld();
const body = join(world.dir, 'body');
const aps = { alert: { title: 'Alice', body: 'hey' }, sound: 'default', badge: 1 };
writeFileSync(body, JSON.stringify({ aps, conversation_id: 'c1', seq: 1 }));

function providerToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'ES256', kid: KEY_ID })}.${part({ iss: TEAM, iat: now })}`;
  const key = { key: world.apnsPrivatePem, dsaEncoding: 'ieee-p1363' };
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

async function withDouble(measure) {
  const double = await new ApnsDouble(world, { keyId: KEY_ID, team: TEAM, topic: TOPIC }).listen();
  const costs = await measure(double);
  const us = costs.map((seconds) => ((seconds / double.accepted.length) * 1e6).toFixed(1));
  await double.close();
  return `${us.join(' / ')} us CPU per push, ${double.accepted.length} pushes`;
}

async function ours(double) {
  const list = Array.from({ length: PUSHES }, (_, i) => ({ conversation: `c${i}` }));
  const { cost } = await runProbe([...apnsArguments(world, double.port), '--quiet'], list);
  return [cost.cpuSeconds, cost.allSeconds];
}

async function h2load(double) {
  const expiration = Math.floor(Date.now() / 1000) + 1000;
  const headers = [`authorization: bearer ${providerToken()}`, `apns-topic: ${TOPIC}`,
    'apns-push-type: alert', 'apns-priority: 10', `apns-expiration: ${expiration}`,
    'apns-collapse-id: c1'].flatMap((header) => ['-H', header]);
  const child = spawn('time', ['-f', '%U %S', 'h2load', '-n', PUSHES, '-c', '1', '-m', '100',
    '-d', body, ...headers, `https://localhost:${double.port}/3/device/aabb01`]);
  let text = '';
  child.stderr.on('data', (piece) => { text += piece; });
  child.stdout.resume();
  await new Promise((resolve) => child.on('close', resolve));
  const [user, system] = text.trim().split('\n').pop().split(' ').map(Number);
  return [user + system];
}

for (let round = 0; round < 2; round += 1) {
  console.log('notifier', await withDouble(ours));
  console.log('h2load  ', await withDouble(h2load));
}
world.remove();
