// The notifier against a double of FCM. Each test names the rule that it is about.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FcmDouble, fcmError } from './fcm.mjs';
import { count, makeWorld, runProbe, startProbe } from './lib.mjs';

let world;
before(() => {
    world = makeWorld();
});
after(() => world.remove());

async function withDouble(options, run) {
    const double = await new FcmDouble(world, options).listen();
    const args = [
        '--fcm-service-account',
        world.writeAccount(double.tokenUri),
        '--fcm-host',
        `localhost:${double.port}`,
        '--push-ca',
        world.certFile,
    ];
    try {
        return await run(double, args);
    } finally {
        await double.close();
    }
}

const ring = (parts) => ({ provider: 'fcm', token: 'dev:token-1', ...parts });
const told = (probe) => probe.outcomes.map((o) => [o.outcome, o.detail]);

test('a message is what Google wants, and its name is the outcome', () =>
    withDouble({}, async (double, args) => {
        const probe = await runProbe(args, [
            ring({ conversation: 'c7', seq: 9, content: 'hey' }),
        ]);
        const [message] = double.accepted;
        assert.deepEqual(message.data, {
            type: 'message',
            conversation_id: 'c7',
            seq: '9',
            badge: '1',
        });
        assert.deepEqual(message.notification, { title: 'Alice', body: 'hey' });
        assert.equal(message.android.priority, 'HIGH');
        assert.equal(message.android.collapse_key, 'c7');
        assert.equal(message.android.notification.tag, 'c7');
        assert.equal(message.android.ttl, '2419200s');
        assert.deepEqual(told(probe), [['accepted', 'projects/proj-1/messages/0:1']]);
    }));

test('a silent update is a data message', () =>
    withDouble({}, async (double, args) => {
        await runProbe(args, [ring({ kind: 'clear', seq: 4 })]);
        assert.equal(double.accepted.length, 1);
        assert.equal(double.accepted[0].notification, undefined);
        assert.equal(double.accepted[0].data.last_read_seq, '4');
    }));

test('a long text is cut to 4096 bytes', () =>
    withDouble({}, async (double, args) => {
        await runProbe(args, [ring({ content: 'é'.repeat(30000) })]);
        assert.equal(double.accepted.length, 1);
    }));

test('one access token for all', () =>
    withDouble({}, async (double, args) => {
        const probe = await runProbe(
            args,
            Array.from({ length: 500 }, (_, i) => ring({ conversation: `c${i}` })),
        );
        assert.equal(count(probe.outcomes, 'outcome').accepted, 500);
        assert.equal(double.accepted.length, 500);
        assert.equal(double.fetched, 1);
    }));

test('the token is renewed before it ends', () =>
    withDouble({ lives: 2 }, async (double, args) => {
        const probe = startProbe(args);
        for (let i = 0; double.fetched < 3; i += 1) {
            probe.send(ring({ conversation: `c${i}` }));
            await probe.until(() => probe.outcomes.length === i + 1);
        }
        await probe.finish();
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: probe.outcomes.length });
    }));

test('401: a fresh token, once', () =>
    withDouble({}, async (double, args) => {
        const probe = startProbe(args);
        probe.send(ring({ conversation: 'a' }));
        await probe.until(() => probe.outcomes.length === 1);
        double.tokens.clear();
        probe.send(ring({ conversation: 'b' }));
        await probe.finish();
        assert.equal(double.fetched, 2);
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 2 });
    }));

test('401 again: later, and not asked for ever', () =>
    withDouble({}, async (double, args) => {
        double.tokens.set = () => double.tokens;
        const probe = await runProbe([...args, '--once'], [ring()]);
        assert.equal(probe.outcomes[0].outcome, 'later');
        assert.equal(double.requests, 2);
    }));

test('404 UNREGISTERED, SENDER_ID_MISMATCH and a bad token: the address is dead', async () => {
    for (const [answer, detail] of [
        [fcmError(404, 'NOT_FOUND', 'UNREGISTERED'), 'UNREGISTERED'],
        [fcmError(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'), 'SENDER_ID_MISMATCH'],
        [
            fcmError(
                400,
                'INVALID_ARGUMENT',
                'INVALID_ARGUMENT',
                'The registration token is not a valid FCM registration token',
            ),
            'INVALID_ARGUMENT',
        ],
    ]) {
        await withDouble({ answer: () => answer }, async (double, args) => {
            assert.deepEqual(told(await runProbe(args, [ring()])), [['gone', detail]]);
        });
    }
});

test('another INVALID_ARGUMENT: dropped, and the address stays', () =>
    withDouble(
        {
            answer: () => fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'bad ttl'),
        },
        async (double, args) => {
            assert.deepEqual(told(await runProbe(args, [ring()])), [
                ['failed', 'INVALID_ARGUMENT'],
            ]);
        },
    ));

test('429 QUOTA_EXCEEDED and 503: later, Retry-After or a minute', async () => {
    for (const [answer, retryMs] of [
        [
            {
                ...fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
                headers: { 'retry-after': '9' },
            },
            9000,
        ],
        [fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'), 60000],
        [fcmError(503, 'UNAVAILABLE', 'UNAVAILABLE'), 0],
    ]) {
        await withDouble({ answer: () => answer }, async (double, args) => {
            const probe = await runProbe([...args, '--once'], [ring()]);
            assert.deepEqual(
                probe.outcomes.map((o) => [o.outcome, o.retryMs]),
                [['later', retryMs]],
            );
        });
    }
});

test('a connection that dies: sent again once', () => {
    let died = 0;
    return withDouble({ answer: () => (died++ === 0 ? 'die' : null) }, async (double, args) => {
        const probe = await runProbe(args, [ring()]);
        assert.deepEqual(count(probe.outcomes, 'outcome'), { accepted: 1 });
        assert.equal(double.requests, 2);
    });
});

test('a server that stalls: sent again once, then later', () =>
    withDouble({ answer: () => 'stall' }, async (double, args) => {
        const probe = await runProbe([...args, '--once', '--fcm-answer-ms', '1000'], [ring()]);
        assert.deepEqual(count(probe.outcomes, 'outcome'), { later: 1 });
        assert.equal(double.requests, 2);
    }));

test('429: all wait for as long as Retry-After says, not only that one', () => {
    let refused = 0;
    return withDouble(
        {
            answer: () =>
                refused++ === 0
                    ? {
                          ...fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
                          headers: { 'retry-after': '2' },
                      }
                    : null,
        },
        async (double, args) => {
            const probe = startProbe(args);
            probe.send(ring({ conversation: 'a' }));
            await probe.until(() => probe.outcomes.length === 1);
            const at = Date.now();
            probe.send(ring({ conversation: 'b' }));
            await probe.finish();
            assert.ok(Date.now() - at >= 1900);
            assert.deepEqual(count(probe.outcomes, 'outcome'), { later: 1, accepted: 2 });
        },
    );
});

test('an access token that cannot be had at first: the message is not lost', () => {
    let asked = 0;
    return withDouble(
        { tokenAnswer: () => (asked++ < 1 ? { status: 503, body: {} } : null) },
        async (double, args) => {
            const probe = await runProbe(args, [ring()]);
            assert.equal(probe.outcomes.at(-1).outcome, 'accepted');
            assert.equal(double.accepted.length, 1);
        },
    );
});

test('bursts of 503: none lost', () => {
    let n = 0;
    return withDouble(
        { answer: () => (n++ % 50 < 5 ? fcmError(503, 'UNAVAILABLE') : null) },
        async (double, args) => {
            await runProbe(
                args,
                Array.from({ length: 150 }, (_, i) => ring({ conversation: `c${i}` })),
            );
            assert.equal(new Set(double.accepted.map((m) => m.data.conversation_id)).size, 150);
            assert.equal(double.accepted.length, 150);
        },
    );
});

test('a service account that Google does not know: later, with the reason', () =>
    withDouble(
        {
            tokenAnswer: () => ({ status: 400, body: { error: 'invalid_grant' } }),
        },
        async (double, args) => {
            const probe = await runProbe([...args, '--once'], [ring()]);
            assert.equal(probe.outcomes[0].outcome, 'later');
            assert.match(probe.outcomes[0].detail, /no access token/);
        },
    ));

test('an unusable configuration is refused with a sentence', async () => {
    for (const [file, words] of [
        ['/nowhere', /--fcm-service-account.*cannot be read/],
        [world.noKeyFile, /--fcm-service-account.*service account's JSON/],
        [world.certFile, /--fcm-service-account: everybody.*may read.*chmod/],
    ]) {
        const probe = startProbe(['--fcm-service-account', file]);
        await probe.finish();
        assert.equal(probe.status, 2);
        assert.match(probe.stderr, words);
    }
});

test("the double itself: what Google's own client sends is taken", () =>
    withDouble({}, async (double) => {
        const { fcm, auth } = await import('@googleapis/fcm');
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
        const client = new auth.JWT({
            email: 'push@proj-1.example',
            key: world.googlePrivatePem,
            scopes: ['https://www.googleapis.com/auth/firebase.messaging'],
        });
        double.tokens.set('google', Infinity);
        client.setCredentials({ access_token: 'google', expiry_date: Date.now() + 3600000 });
        const service = fcm({
            version: 'v1',
            auth: client,
            rootUrl: `https://localhost:${double.port}/`,
        });
        await service.projects.messages.send({
            parent: 'projects/proj-1',
            requestBody: {
                message: {
                    token: 'dev:t',
                    notification: { title: 'a', body: 'b' },
                    data: { seq: '1' },
                    android: { priority: 'HIGH', ttl: '2419200s', collapseKey: 'c' },
                },
            },
        });
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
        assert.equal(double.accepted.length, 1);
    }));
