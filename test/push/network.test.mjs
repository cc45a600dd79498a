// What needs a network of its own (test/push/run --own-network): a phone whose packets are dropped,
// and names that change their mind.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ApnsDouble } from './apns.mjs';
import { KEY_ID, TEAM, TOPIC, apnsArguments, makeWorld, startProbe, until } from './lib.mjs';
import { Server } from './server.mjs';

const OURS = '10.77.0.1';
const PHONES = '10.77.0.2';
const PUBLIC = '8.8.4.4'; // an address that is not private, here on the loopback
const DELAY_MS = 1000;

const run = (...words) => execFileSync(words[0], words.slice(1), { encoding: 'utf8' });
const ip = (words) => run('ip', ...words.split(' '));

let world;
let holder;
before(async () => {
    world = makeWorld();
    ip('link set lo up');
    ip(`addr add ${PUBLIC}/32 dev lo`);
    holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    ip(`link add v0 type veth peer name v1 netns ${holder.pid}`);
    ip(`addr add ${OURS}/24 dev v0`);
    ip('link set v0 up');
    inPhone('ip', 'addr', 'add', `${PHONES}/24`, 'dev', 'v1');
    inPhone('ip', 'link', 'set', 'v1', 'up');
});
after(() => {
    holder?.stdin.end();
    world?.remove();
});

function inPhone(...words) {
    return run('nsenter', '--target', String(holder.pid), '--net', ...words);
}

// As a mast does that has lost the phone: what is sent goes where nobody listens, unheard.
function drop(drops) {
    const addressOf = (text) => JSON.parse(text)[0].address;
    const theirs = drops
        ? '02:00:00:00:00:99'
        : addressOf(inPhone('ip', '-j', 'link', 'show', 'v1'));
    const ours = drops ? '02:00:00:00:00:98' : addressOf(ip('-j link show v0'));
    ip(`neigh replace ${PHONES} lladdr ${theirs} dev v0 nud permanent`);
    inPhone('ip', 'neigh', 'replace', OURS, 'lladdr', ours, 'dev', 'v1', 'nud', 'permanent');
}

function startPhone(server) {
    const url = `${server.url.replace('http', 'ws')}/ws`;
    const program = join(import.meta.dirname, 'phone.mjs');
    const child = spawn(
        'nsenter',
        [
            '--target',
            String(holder.pid),
            '--net',
            process.execPath,
            program,
            url,
            server.token('bob', 'phone'),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const phone = { child, frames: [] };
    createInterface({ input: child.stdout }).on('line', (line) =>
        phone.frames.push(JSON.parse(line)),
    );
    phone.end = new Promise((resolve) => {
        child.on('close', resolve);
    });
    return phone;
}

test('a half-open phone, all of whose packets are dropped, rings within the delay', async () => {
    const double = await new ApnsDouble(world, {
        keyId: KEY_ID,
        team: TEAM,
        topic: TOPIC,
    }).listen();
    const server = new Server(
        [...apnsArguments(world, double.port), '--push-delay', `${DELAY_MS}ms`],
        `${OURS}:0`,
    );
    await server.start();
    const phone = startPhone(server);
    try {
        const alice = server.token('alice', 'laptop');
        const bob = server.token('bob', 'phone');
        await server.ask(alice, 'POST', '/conversation', {
            conversation_id: 'c1',
            members: ['alice', 'bob'],
        });
        await server.ask(bob, 'PUT', '/device/phone/push', { provider: 'apns', token: 'aabb' });
        await until(() => phone.frames.some((frame) => frame.type === 'caught_up'));
        const send = (client_id) =>
            server.ask(alice, 'POST', '/conversation/c1/messages', {
                client_id,
                content: 'hey',
            });
        const peek = async () =>
            (await server.ask(alice, 'GET', '/conversation/c1?open=0')).body;
        await send('m1');
        await until(async () => (await peek()).last_delivered_seq === 1);

        drop(true);
        const sentAt = Date.now();
        await send('m2');
        await until(() => double.accepted.length > 0);
        const tookMs = Date.now() - sentAt;
        assert.deepEqual(
            double.accepted.map((push) => push.payload.seq),
            [2],
            'what it acked has not rung',
        );
        assert.ok(
            tookMs >= DELAY_MS - 50,
            `it rang after ${tookMs} ms, and the delay had not passed`,
        );
        assert.ok(tookMs < DELAY_MS + 4000, `it rang only after ${tookMs} ms`);
        const seen = await peek();
        assert.equal(seen.last_delivered_seq, 1, 'the tick stays single');
        assert.ok(
            seen.members.find(({ user_id }) => user_id === 'bob').status.online,
            'its socket is open',
        );
        assert.ok(!phone.frames.some((frame) => frame.type === 'closed'), 'on its side too');

        drop(false);
        await until(async () => (await peek()).last_delivered_seq === 2, 40000);
        assert.equal(double.accepted.length, 1);
    } finally {
        phone.child.kill();
        await phone.end;
        await server.remove();
        await double.close();
    }
});

// Answers each question of type A with the next address, others with nothing.
async function startResolver(addresses) {
    const asked = [];
    const socket = dgram.createSocket('udp4');
    socket.on('message', (question, from) => {
        const end = question.indexOf(0, 12) + 5;
        const isA = question.readUInt16BE(end - 4) === 1;
        const address = isA ? addresses[Math.min(asked.length, addresses.length - 1)] : null;
        if (isA) asked.push(address);
        const head = Buffer.from(question.subarray(0, 12));
        head.writeUInt16BE(0x8180, 2);
        head.writeUInt16BE(isA ? 1 : 0, 6);
        head.writeUInt32BE(0, 8);
        const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        const parts = [head, question.subarray(12, end)];
        if (isA) parts.push(answer, Buffer.from(address.split('.').map(Number)));
        socket.send(Buffer.concat(parts), from.port, from.address);
    });
    await new Promise((resolve) => socket.bind(53, '127.0.0.1', resolve));
    const file = join(world.dir, 'resolv.conf');
    writeFileSync(file, 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n');
    run('mount', '--bind', file, '/etc/resolv.conf');
    return {
        asked,
        close() {
            run('umount', '/etc/resolv.conf');
            socket.close();
        },
    };
}

async function listenAt(address, port) {
    const heard = { connections: 0 };
    heard.server = net.createServer((socket) => {
        heard.connections += 1;
        socket.destroy();
    });
    await new Promise((resolve) => heard.server.listen(port, address, resolve));
    return heard;
}

async function ringAt(addresses) {
    const resolver = await startResolver(addresses);
    const inside = await listenAt('127.0.0.1', 0);
    const { port } = inside.server.address();
    const outside = await listenAt(PUBLIC, port);
    const probe = startProbe(['--vapid-key', world.vapidPem, '--once']);
    const p256dh = Buffer.concat([
        Buffer.from([4]),
        ...['x', 'y'].map((name) => Buffer.from(world.somebody[name], 'base64url')),
    ]).toString('base64url');
    probe.send({
        provider: 'webpush',
        token: `https://push.example:${port}/x`,
        p256dh,
        auth: 'AAAAAAAAAAAAAAAAAAAAAA',
    });
    await probe.finish();
    resolver.close();
    await new Promise((resolve) => inside.server.close(resolve));
    await new Promise((resolve) => outside.server.close(resolve));
    const [outcome] = probe.outcomes;
    return {
        outcome,
        asked: resolver.asked,
        inside: inside.connections,
        outside: outside.connections,
    };
}

test('DNS rebinding: the address that was checked is the one that is connected to', async () => {
    const rung = await ringAt([PUBLIC, '127.0.0.1', '127.0.0.1', '127.0.0.1']);
    assert.equal(rung.asked[0], PUBLIC);
    assert.equal(rung.asked.length, 1, 'the name is looked up once for a connection');
    assert.equal(rung.inside, 0);
    assert.equal(rung.outside, 1);
});

test('a name that leads to a private address is not followed', async () => {
    const rung = await ringAt(['127.0.0.1']);
    assert.ok(rung.asked.length > 0, 'the name was looked up');
    assert.equal(rung.inside, 0);
    assert.equal(rung.outcome.outcome, 'failed');
});
