// The notifier against a double of APNs. Each test names the rule that it is about.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ApnsDouble } from './apns.mjs';
import { Proxy, Sniffer } from './between.mjs';
import {
    KEY_ID,
    TEAM,
    TOPIC,
    apnsArguments,
    count,
    makeWorld,
    runProbe,
    startProbe,
    until,
} from './lib.mjs';

const PUSHES = Number(process.env.PUSHES ?? 20000);

let world;
before(() => {
    world = makeWorld();
});
after(() => world.remove());

async function withDouble(options, run) {
    const double = await new ApnsDouble(world, {
        keyId: KEY_ID,
        team: TEAM,
        topic: TOPIC,
        ...options,
    }).listen();
    try {
        return await run(double, apnsArguments(world, double.port));
    } finally {
        await double.close();
    }
}

function many(n) {
    return Array.from({ length: n }, (_, i) => ({
        conversation: `c${i}`,
        seq: i + 1,
        token: (i + 1).toString(16).padStart(8, '0'),
    }));
}

function assertEachOnce(double, n) {
    const times = count(
        double.accepted.map((push) => ({ key: push.headers['apns-collapse-id'] })),
        'key',
    );
    assert.equal(Object.keys(times).length, n, 'none lost');
    assert.deepEqual(
        Object.values(times).filter((t) => t !== 1),
        [],
        'none doubled',
    );
}

test('a push is what Apple wants, and its id is the outcome', () =>
    withDouble({}, async (double, args) => {
        const probe = await runProbe(args, [
            { token: 'aabbcc', conversation: 'conv_abc123', seq: 42 },
        ]);
        assert.equal(double.accepted.length, 1);
        const [push] = double.accepted;
        assert.equal(push.headers['apns-push-type'], 'alert');
        assert.equal(push.headers['apns-priority'], '10');
        assert.equal(push.headers['apns-collapse-id'], 'conv_abc123');
        const days = (Number(push.headers['apns-expiration']) - Date.now() / 1000) / 86400;
        assert.ok(days > 27.9 && days < 28.1);
        assert.equal(push.payload.aps.alert.title, 'Alice');
        assert.equal(push.payload.aps['thread-id'], 'conv_abc123');
        assert.equal(push.payload.conversation_id, 'conv_abc123');
        assert.equal(push.payload.seq, 42);
        assert.deepEqual(
            probe.outcomes.map((o) => [o.outcome, o.detail]),
            [['accepted', push.id]],
        );
    }));

test('a silent update is of type background, at priority 5', () =>
    withDouble({}, async (double, args) => {
        await runProbe(args, [{ kind: 'clear', conversation: 'c9', seq: 7 }]);
        assert.equal(double.accepted.length, 1);
        assert.equal(double.accepted[0].headers['apns-push-type'], 'background');
        assert.equal(double.accepted[0].payload.last_read_seq, 7);
    }));

test('a payload has at most 4096 bytes, cut at a character', () =>
    withDouble({}, async (double, args) => {
        await runProbe(args, [{ content: '\u{1f600}'.repeat(16384), name: 'n'.repeat(2000) }]);
        assert.equal(double.accepted.length, 1);
        assert.ok(Buffer.byteLength(double.accepted[0].body) > 4080);
        assert.match(double.accepted[0].payload.aps.alert.body, /^\u{1f600}+…$/u);
    }));

test('one stream until a token was accepted, then as many as the server says', () =>
    withDouble({ streamsAfterToken: 7 }, async (double, args) => {
        await runProbe(args, many(500));
        assertEachOnce(double, 500);
        assert.deepEqual(double.violations, []);
        assert.equal(double.sessions, 1);
    }));

test('one long-lived connection for one push after the other', () =>
    withDouble({}, async (double, args) => {
        const probe = startProbe(args);
        for (let i = 1; i <= 20; i += 1) {
            probe.send({ conversation: `c${i}` });
            await probe.until(() => probe.outcomes.length === i);
        }
        await probe.finish();
        assert.equal(double.sessions, 1);
        assert.equal(double.tokens.length, 1, 'one provider token for all');
    }));

test('20,000 pushes: GOAWAYs, bursts of 429 and 503; none lost, none doubled', () =>
    withDouble(
        { goawayEvery: PUSHES / 20, failEvery: PUSHES / 8, failFor: 40 },
        async (double, args) => {
            const probe = await runProbe(args, many(PUSHES));
            assertEachOnce(double, PUSHES);
            assert.deepEqual(double.violations, []);
            const outcomes = count(probe.outcomes, 'outcome');
            assert.equal(outcomes.accepted, PUSHES);
            assert.equal(outcomes.failed, undefined);
            assert.ok(outcomes.later > 0, 'the bursts were met');
            assert.ok(double.sessions >= 20, 'so were the GOAWAYs');
            const us = (probe.cost.cpuSeconds / PUSHES) * 1e6;
            console.log(
                `${us.toFixed(1)} us CPU for each push, ${double.sessions} connections`,
            );
        },
    ));

test('GOAWAY: streams above its last id are sent again elsewhere, the others are not', () =>
    withDouble({ goawayEvery: 30, streamsAfterToken: 100, slowMs: 5 }, async (double, args) => {
        const probe = await runProbe(args, many(300));
        assertEachOnce(double, 300);
        assert.deepEqual(double.violations, []);
        assert.ok(double.sessions >= 10);
        assert.match(probe.cost.text, /apns resent=[1-9]/, 'some were refused');
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 300 });
    }));

test('more connections under load, and each begins with one stream', () =>
    withDouble({ streamsAfterToken: 20, slowMs: 25 }, async (double, args) => {
        await runProbe(args, many(6000));
        assertEachOnce(double, 6000);
        assert.deepEqual(double.violations, []);
        assert.ok(double.sessions >= 2, 'more than one');
        assert.ok(double.sessions <= 8, 'and no more than eight');
        assert.equal(double.tokens.length, 1, 'one provider token for all of them');
    }));

test('a PING when nothing was said for long, and the connection stays', () =>
    withDouble({}, async (double, args) => {
        const probe = startProbe([...args, '--apns-idle-ms', '200']);
        probe.send({ conversation: 'a' });
        await until(() => double.pings >= 2);
        probe.send({ conversation: 'b' });
        await probe.finish();
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 2 });
        assert.equal(double.sessions, 1);
    }));

test('a PING that nobody answers: the connection is given up, and a new one made when needed', () =>
    withDouble({}, async (double) => {
        const proxy = await new Proxy(double.port).listen();
        const args = apnsArguments(world, proxy.port);
        const probe = startProbe([...args, '--apns-idle-ms', '200', '--apns-ping-ms', '200']);
        probe.send({ conversation: 'a' });
        await probe.until(() => probe.outcomes.length === 1);
        proxy.freeze();
        await until(() => proxy.closed === 1);
        probe.send({ conversation: 'b' });
        await probe.finish();
        assert.equal(proxy.connections, 2);
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 2 });
        await proxy.close();
    }));

test('a server that stalls: given up, sent again once over a new connection, then later', () =>
    withDouble({ stallAll: true }, async (double, args) => {
        const probe = await runProbe([...args, '--once', '--apns-silence-ms', '300'], [{}]);
        assert.deepEqual(count(probe.outcomes, 'outcome'), { later: 1 });
        assert.equal(double.requests, 2);
        assert.equal(double.sessions, 2);
    }));

test('403 ExpiredProviderToken: a new token, and the push is sent again at once', () =>
    withDouble({}, async (double, args) => {
        const probe = startProbe([...args, '--apns-token-ms-min', '1']);
        probe.send({ conversation: 'a' });
        await probe.until(() => probe.outcomes.length === 1);
        double.expired.add(double.tokens[0].text);
        double.options.now = () => Math.floor(Date.now() / 1000) + 25 * 60;
        probe.send({ conversation: 'b' });
        await probe.finish();
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 2 });
        assert.equal(double.tokens.length, 2);
        assert.equal(double.requests, 3);
    }));

test('a provider token is renewed before Apple calls it expired, and used until then', () =>
    withDouble({}, async (double, args) => {
        const start = Math.floor(Date.now() / 1000);
        double.options.now = () => start + 25 * 60 * double.tokens.length;
        const probe = startProbe([...args, '--apns-token-ms', '1000']);
        const began = Date.now();
        let sent = 0;
        for (; double.tokens.length < 3; sent += 1) {
            probe.send({ conversation: `c${sent}` });
            await probe.until(() => probe.outcomes.length === sent + 1);
        }
        const took = Date.now() - began;
        await probe.finish();
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: sent });
        assert.ok(took >= 1900 && sent > 3, 'each served for its time');
        assert.equal(double.sessions, 1);
    }));

test('a restart brings no new provider token, once Apple has accepted one', () =>
    withDouble({}, async (double, args) => {
        const file = join(world.dir, 'apns-token');
        const kept = [...args, '--apns-token-file', file];
        assert.equal(
            (await runProbe(kept, [{ conversation: 'a' }])).outcomes[0].outcome,
            'accepted',
        );
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.equal(
            (await runProbe(kept, [{ conversation: 'b' }])).outcomes[0].outcome,
            'accepted',
        );
        assert.equal(double.tokens.length, 1);
        const text = readFileSync(file, 'utf8');
        for (const other of [
            '',
            'nonsense',
            text.replace(KEY_ID, 'KEY0000002'),
            text.replace(TEAM, 'TEAM000002'),
            text.replace(/ \d+ /, ` ${Date.now() - 51 * 60000} `),
            text.replace(/ \d+ /, ` ${Date.now() + 60000} `),
            `${text} more`,
        ]) {
            writeFileSync(file, other);
            const probe = await runProbe([...kept, '--once'], [{}]);
            assert.equal(probe.outcomes[0].detail, 'TooManyProviderTokenUpdates', other);
            assert.equal(
                readFileSync(file, 'utf8'),
                other,
                'what was not accepted is not kept',
            );
        }
    }));

test('429 TooManyProviderTokenUpdates: later, with the same token', () =>
    withDouble({}, async (double, args) => {
        let minutes = 0;
        double.options.now = () => Math.floor(Date.now() / 1000) + minutes * 60;
        double.tokens.push({ text: 'of another process', at: double.options.now() });
        const probe = startProbe(args);
        probe.send({});
        await probe.until(() => probe.outcomes.length === 1);
        minutes = 25;
        await probe.finish();
        assert.equal(probe.outcomes[0].detail, 'TooManyProviderTokenUpdates');
        assert.deepEqual(
            probe.outcomes.map((o) => o.outcome).filter((o) => o !== 'later'),
            ['accepted'],
        );
        assert.equal(double.tokens.length, 2);
    }));

test('on the wire: no PRIORITY, no RST_STREAM, and a header table that is not filled', () =>
    withDouble({}, async (double) => {
        const sniffer = await new Sniffer(world, double.port).listen();
        const probe = await runProbe(apnsArguments(world, sniffer.port), many(500));
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 500 });
        await sniffer.close();
        const [PRIORITY, HEADERS, RST_STREAM, PRIORITY_FLAG] = [2, 1, 3, 0x20];
        const types = count(sniffer.frames, 'type');
        assert.equal(types[PRIORITY], undefined);
        assert.equal(types[RST_STREAM], undefined);
        const heads = sniffer.frames.filter(({ type }) => type === HEADERS);
        assert.equal(heads.length, 500);
        assert.ok(heads.every(({ flags }) => (flags & PRIORITY_FLAG) === 0));
        assert.ok(
            heads.slice(1).every(({ size }) => size < heads[0].size - 40),
            'topic, type and priority are in the header table',
        );
        const sizes = heads.slice(-100).map(({ size }) => size);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) < 8, 'what is unique fills no table');
    }));

test('410: the token is dead since the time that Apple names', () =>
    withDouble(
        {
            answer: () => ({
                status: 410,
                body: { reason: 'Unregistered', timestamp: 1700000000000 },
            }),
        },
        async (double, args) => {
            const probe = await runProbe(args, [{}]);
            assert.deepEqual(
                probe.outcomes.map((o) => [o.outcome, o.detail, o.deadSince]),
                [['gone', 'Unregistered', 1700000000000]],
            );
        },
    ));

test('400 BadDeviceToken and DeviceTokenNotForTopic: the token is dead', async () => {
    for (const reason of ['BadDeviceToken', 'DeviceTokenNotForTopic']) {
        await withDouble(
            { answer: () => ({ status: 400, body: { reason } }) },
            async (double, args) => {
                const probe = await runProbe(args, [{}]);
                assert.deepEqual(
                    probe.outcomes.map((o) => [o.outcome, o.detail, o.deadSince]),
                    [['gone', reason, 0]],
                );
            },
        );
    }
});

test('429, 500 and 503: later, and Retry-After is honoured', async () => {
    for (const [status, reason] of [
        [429, 'TooManyRequests'],
        [500, 'InternalServerError'],
        [503, 'ServiceUnavailable'],
        [503, 'Shutdown'],
    ]) {
        await withDouble(
            { answer: () => ({ status, body: { reason }, headers: { 'retry-after': '7' } }) },
            async (double, args) => {
                const probe = await runProbe([...args, '--once'], [{}]);
                assert.deepEqual(
                    probe.outcomes.map((o) => [o.outcome, o.detail, o.retryMs]),
                    [['later', reason, 7000]],
                );
            },
        );
    }
});

test('413 and other complaints: dropped, with the reason', () =>
    withDouble(
        {
            answer: () => ({ status: 413, body: { reason: 'PayloadTooLarge' } }),
        },
        async (double, args) => {
            const probe = await runProbe(args, [{}]);
            assert.deepEqual(
                probe.outcomes.map((o) => [o.outcome, o.detail]),
                [['failed', 'PayloadTooLarge']],
            );
        },
    ));

test('403 ExpiredProviderToken of a fresh token: not renewed too often', () =>
    withDouble({ now: () => Math.floor(Date.now() / 1000) + 7200 }, async (double, args) => {
        const probe = await runProbe([...args, '--once'], [{}]);
        assert.deepEqual(
            probe.outcomes.map((o) => [o.outcome, o.detail]),
            [['later', 'ExpiredProviderToken']],
        );
        assert.equal(double.requests, 1);
    }));

test('403 InvalidProviderToken: kept for later, when somebody has mended the key', () =>
    withDouble({ keyId: 'ANOTHER001' }, async (double, args) => {
        const probe = await runProbe([...args, '--once'], [{}]);
        assert.deepEqual(
            probe.outcomes.map((o) => [o.outcome, o.detail]),
            [['later', 'InvalidProviderToken']],
        );
        assert.ok(probe.outcomes[0].retryMs >= 60000);
    }));

test('a connection that dies without a word: sent again once', () =>
    withDouble({ dieOn: (n) => n === 50 }, async (double, args) => {
        const probe = await runProbe(args, many(200));
        const times = count(
            double.accepted.map((p) => ({ key: p.headers['apns-collapse-id'] })),
            'key',
        );
        assert.equal(Object.keys(times).length, 200);
        assert.ok(Object.values(times).every((t) => t <= 2));
        assert.equal(count(probe.outcomes, 'outcome').accepted, 200);
    }));

test('a connection that dies each time: later, after two tries', () =>
    withDouble({ dieOn: () => true }, async (double, args) => {
        const probe = await runProbe([...args, '--once'], [{}]);
        assert.deepEqual(
            probe.outcomes.map((o) => o.outcome),
            ['later'],
        );
        assert.equal(double.accepted.length, 2);
    }));

test('nobody listens: later, with the reason', async () => {
    const double = await new ApnsDouble(world, {
        keyId: KEY_ID,
        team: TEAM,
        topic: TOPIC,
    }).listen();
    await double.close();
    const probe = await runProbe([...apnsArguments(world, double.port), '--once'], [{}]);
    assert.deepEqual(
        probe.outcomes.map((o) => [o.outcome, o.detail]),
        [['later', 'APNs cannot be reached']],
    );
});

test('a certificate that nobody vouches for is not believed', () =>
    withDouble({}, async (double, args) => {
        const probe = await runProbe([...args.slice(0, -2), '--once'], [{}]);
        assert.equal(probe.outcomes[0].outcome, 'later');
        assert.equal(double.requests, 0);
    }));

test('a sandbox token goes to the sandbox, over a connection of its own', () =>
    withDouble({}, (production) =>
        withDouble({}, async (sandbox) => {
            await runProbe(apnsArguments(world, production.port, sandbox.port), [
                { environment: 'sandbox', conversation: 's' },
                { conversation: 'p' },
            ]);
            assert.deepEqual(
                sandbox.accepted.map((p) => p.headers['apns-collapse-id']),
                ['s'],
            );
            assert.deepEqual(
                production.accepted.map((p) => p.headers['apns-collapse-id']),
                ['p'],
            );
        }),
    ));

test('while the phone is dead the newest per collapse id is kept', () =>
    withDouble({}, async (double, args) => {
        await runProbe(
            args,
            [1, 2, 3, 4, 5].map((seq) => ({ token: 'dead', conversation: 'c1', seq })),
        );
        assert.equal(double.accepted.length, 5);
        assert.deepEqual(
            double.takePending('dead').map((p) => p.payload.seq),
            [5],
        );
    }));

test('an unusable configuration is refused with a sentence that names the option', async () => {
    const args = apnsArguments(world, 1);
    const without = (name) => args.filter((_, i) => args[i] !== name && args[i - 1] !== name);
    const replaced = (name, value) => args.map((v, i) => (args[i - 1] === name ? value : v));
    for (const [bad, words] of [
        [without('--apns-topic'), /--apns-topic is missing.*bundle id/],
        [without('--apns-key-id'), /--apns-key-id is missing/],
        [without('--apns-key'), /--apns-key is missing/],
        [replaced('--apns-key', '/nowhere/key.p8'), /--apns-key.*cannot be read: No such file/],
        [replaced('--apns-key', world.noKeyFile), /--apns-key.*PEM private key/],
        [replaced('--apns-key', world.certFile), /--apns-key: everybody.*may read.*chmod/],
        [replaced('--apns-host', 'nonsense'), /--apns-host.*HOST:PORT/],
        [replaced('--push-ca', '/nowhere'), /--push-ca/],
    ]) {
        const probe = startProbe(bad);
        await probe.finish();
        assert.equal(probe.status, 2);
        assert.match(probe.stderr, words);
    }
});

test('the double itself: what @parse/node-apn sends is taken', () =>
    withDouble({}, async (double) => {
        const { default: apn } = await import('@parse/node-apn');
        const provider = new apn.Provider({
            token: { key: world.apnsPrivatePem, keyId: KEY_ID, teamId: TEAM },
            address: 'localhost',
            port: double.port,
            ca: world.cert,
            production: false,
        });
        const note = new apn.Notification({
            alert: 'hey',
            topic: TOPIC,
            collapseId: 'c1',
            pushType: 'alert',
            expiry: Math.floor(Date.now() / 1000) + 3600,
            priority: 10,
        });
        const result = await provider.send(note, 'aabb');
        await provider.shutdown();
        assert.deepEqual(result.failed, []);
        assert.equal(double.accepted.length, 1);
    }));
