// The notifier against a push service that decrypts with npm web-push-testing.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { line, makeWorld, startProbe } from './lib.mjs';
import { WebPushDouble } from './webpush.mjs';

let world;
before(() => {
    world = makeWorld();
});
after(() => world.remove());

const args = (extra = []) => [
    '--vapid-key',
    world.vapidPem,
    '--vapid-subject',
    'mailto:ops@chat.example',
    '--push-ca',
    world.certFile,
    ...extra,
];

function ring(subscription, parts) {
    return {
        provider: 'webpush',
        token: subscription.endpoint,
        p256dh: subscription.keys.p256dh,
        auth: subscription.keys.auth,
        ...parts,
    };
}

async function withDouble(options, run, extra = ['--webpush-private', '--once']) {
    const double = await new WebPushDouble(world, options).listen();
    const probe = startProbe(args(extra));
    await probe.until(() => probe.vapid !== null);
    try {
        await run(double, probe);
    } finally {
        if (probe.child.exitCode === null) probe.child.kill();
        await double.close();
    }
}

const told = (probe) => probe.outcomes.map((o) => [o.outcome, o.detail]);

test('a third party decrypts what was encrypted', () =>
    withDouble({}, async (double, probe) => {
        const subscription = await double.subscribe(probe.vapid);
        probe.send(
            ring(subscription, { conversation: 'c5', seq: 12, content: 'h\u00e9 \u{1f600}' }),
        );
        await probe.finish();
        assert.deepEqual(JSON.parse(double.texts(subscription)[0]), {
            type: 'message',
            conversation_id: 'c5',
            seq: 12,
            title: 'Alice',
            body: 'h\u00e9 \u{1f600}',
            badge: 1,
        });
        assert.deepEqual(double.violations, []);
        assert.equal(probe.outcomes[0].outcome, 'accepted');
        const { headers } = double.requests[0];
        assert.equal(headers.urgency, 'high');
        assert.equal(headers.ttl, String(28 * 86400));
        assert.equal(headers['content-encoding'], 'aes128gcm');
    }));

test('the longest text fills 4096 bytes and is decrypted', () =>
    withDouble({}, async (double, probe) => {
        const subscription = await double.subscribe(probe.vapid);
        probe.send(ring(subscription, { content: 'x'.repeat(60000) }));
        await probe.finish();
        assert.equal(Number(double.requests[0].headers['content-length']), 4096);
        assert.equal(double.texts(subscription).length, 1);
        assert.deepEqual(double.violations, []);
    }));

test('one topic per conversation', () =>
    withDouble({}, async (double, probe) => {
        const subscription = await double.subscribe(probe.vapid);
        for (const conversation of ['a', 'a', 'b'])
            probe.send(ring(subscription, { conversation }));
        await probe.finish();
        const topics = double.requests.map((request) => request.headers.topic);
        assert.equal(new Set(topics).size, 2);
        assert.deepEqual(double.violations, []);
    }));

test('404 and 410: the subscription is dead', async () => {
    for (const status of [404, 410])
        await withDouble(
            { answer: () => ({ status, headers: {}, body: '' }) },
            async (double, probe) => {
                probe.send(ring(await double.subscribe(probe.vapid)));
                await probe.finish();
                assert.deepEqual(told(probe), [['gone', `HTTP ${status}`]]);
            },
        );
});

test('429 and 503: later, as Retry-After says', async () => {
    for (const status of [429, 503])
        await withDouble(
            { answer: () => ({ status, headers: { 'retry-after': '5' }, body: '' }) },
            async (double, probe) => {
                probe.send(ring(await double.subscribe(probe.vapid)));
                await probe.finish();
                assert.deepEqual(
                    probe.outcomes.map((o) => [o.outcome, o.retryMs]),
                    [['later', 5000]],
                );
            },
        );
});

test('413 and others: dropped', () =>
    withDouble(
        {
            answer: () => ({ status: 413, headers: {}, body: '' }),
        },
        async (double, probe) => {
            probe.send(ring(await double.subscribe(probe.vapid)));
            await probe.finish();
            assert.deepEqual(told(probe), [['failed', 'HTTP 413']]);
        },
    ));

test('no redirect is followed', async () => {
    const canary = await new WebPushDouble(world).listen();
    await withDouble(
        {
            answer: () => ({
                status: 307,
                headers: { location: `${canary.origin}/notify/x` },
                body: '',
            }),
        },
        async (double, probe) => {
            probe.send(ring(await double.subscribe(probe.vapid)));
            await probe.finish();
            assert.deepEqual(told(probe), [['failed', 'HTTP 307']]);
            assert.equal(canary.requests.length, 0);
        },
    );
    await canary.close();
});

test('an answer that does not end is cut off by size', () =>
    withDouble(
        {
            answer: () => ({ status: 200, headers: {}, body: 'x'.repeat(1024 * 1024) }),
        },
        async (double, probe) => {
            probe.send(ring(await double.subscribe(probe.vapid)));
            await probe.finish();
            assert.equal(probe.outcomes[0].outcome, 'later');
            assert.ok(double.requests.length <= 2);
        },
    ));

test('a service that does not answer in time: later', () =>
    withDouble(
        { answer: () => 'stall' },
        async (double, probe) => {
            probe.send(ring(await double.subscribe(probe.vapid)));
            await probe.finish();
            assert.equal(probe.outcomes[0].outcome, 'later');
            assert.equal(double.requests.length, 2, 'sent again once');
        },
        ['--webpush-private', '--once', '--webpush-answer-ms', '1000'],
    ));

test('a service that answers a byte at a time, for ever: cut off by time', () =>
    withDouble(
        { answer: () => 'drip' },
        async (double, probe) => {
            probe.send(ring(await double.subscribe(probe.vapid)));
            await probe.finish();
            assert.equal(probe.outcomes[0].outcome, 'later');
        },
        ['--webpush-private', '--once', '--webpush-answer-ms', '500'],
    ));

test('one VAPID token for all pushes to one origin, another for another', async () => {
    const other = await new WebPushDouble(world).listen();
    await withDouble({}, async (double, probe) => {
        const subscription = await double.subscribe(probe.vapid);
        const elsewhere = await other.subscribe(probe.vapid);
        for (const conversation of ['a', 'b', 'c'])
            probe.send(ring(subscription, { conversation }));
        probe.send(ring(elsewhere));
        await probe.finish();
        const tokens = double.requests.map(({ headers }) => headers.authorization);
        assert.equal(tokens.length, 3);
        assert.equal(new Set(tokens).size, 1);
        assert.notEqual(other.requests[0].headers.authorization, tokens[0]);
        assert.deepEqual([...double.violations, ...other.violations], []);
    });
    await other.close();
});

test('a subscription that has expired, and one that is for another key', () =>
    withDouble({}, async (double, probe) => {
        const expired = await double.subscribe(probe.vapid);
        double.model.expireSubscription(expired.hash);
        probe.send(ring(expired));
        await probe.until(() => probe.outcomes.length === 1);
        const key = Buffer.from([
            4,
            ...['x', 'y'].flatMap((n) => [...Buffer.from(world.somebody[n], 'base64url')]),
        ]).toString('base64url');
        probe.send(ring(await double.subscribe(key)));
        await probe.finish();
        assert.deepEqual(told(probe), [
            ['gone', 'HTTP 410'],
            ['failed', 'HTTP 400'],
        ]);
    }));

test('nobody listens: later, with the reason', () =>
    withDouble({}, async (double, probe) => {
        const subscription = await double.subscribe(probe.vapid);
        await double.close();
        probe.send(ring(subscription));
        await probe.finish();
        assert.equal(probe.outcomes[0].outcome, 'later');
        assert.match(probe.outcomes[0].detail, /nobody answers/);
    }));

test('a private address is not connected to, however it is written (attack 38)', async () => {
    let connections = 0;
    const canary = net.createServer((socket) => {
        connections += 1;
        socket.destroy();
    });
    await new Promise((resolve) => canary.listen(0, '127.0.0.1', resolve));
    const { port } = canary.address();
    await withDouble(
        {},
        async (double, probe) => {
            const { keys } = await double.subscribe(probe.vapid);
            const hosts = [
                '127.0.0.1',
                'localhost',
                '2130706433',
                '0x7f.1',
                '127.1',
                '0',
                '[::1]',
                '[::ffff:127.0.0.1]',
                '[::]',
            ];
            for (const host of hosts)
                probe.send(ring({ endpoint: `https://${host}:${port}/x`, keys }));
            for (const endpoint of [
                'https://169.254.169.254/latest',
                'https://10.0.0.1/',
                'https://[fe80::1]/',
            ])
                probe.send(ring({ endpoint, keys }));
            await probe.finish();
            assert.equal(connections, 0);
            for (const outcome of probe.outcomes)
                assert.equal(outcome.outcome, 'failed', line(outcome));
            assert.equal(probe.outcomes.length, hosts.length + 3);
        },
        ['--once'],
    );
    await new Promise((resolve) => canary.close(resolve));
});

test('what is no https URL is no subscription', () =>
    withDouble({}, async (double, probe) => {
        const { keys } = await double.subscribe(probe.vapid);
        for (const endpoint of [
            'http://push.example/x',
            'ftp://push.example/',
            'https://u@push.example/',
        ])
            probe.send(ring({ endpoint, keys }));
        await probe.finish();
        assert.deepEqual(
            probe.outcomes.map((o) => o.outcome),
            ['gone', 'gone', 'gone'],
        );
    }));

test('the VAPID key must be on P-256, the subject somebody', async () => {
    for (const [bad, words] of [
        [['--vapid-key', world.googlePrivatePem], /--vapid-key.*P-256/],
        [['--vapid-key', world.vapidPem, '--vapid-subject', 'me'], /--vapid-subject.*mailto:/],
    ]) {
        const probe = startProbe(bad);
        await probe.finish();
        assert.equal(probe.status, 2);
        assert.match(probe.stderr, words);
    }
});
