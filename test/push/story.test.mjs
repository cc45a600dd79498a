// The first source document with a phone that rings, and what must not silence it or move a tick.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApnsDouble } from './apns.mjs';
import { KEY_ID, TEAM, TOPIC, apnsArguments, makeWorld, until } from './lib.mjs';
import { Server } from './server.mjs';
import { WebPushDouble } from './webpush.mjs';

let world;
before(() => {
    world = makeWorld();
});
after(() => world.remove());

async function play(run, extra = []) {
    const double = await new ApnsDouble(world, {
        keyId: KEY_ID,
        team: TEAM,
        topic: TOPIC,
    }).listen();
    const server = new Server([
        ...apnsArguments(world, double.port),
        '--push-delay',
        '700ms',
        ...extra,
    ]);
    try {
        await server.start();
        const alice = server.token('alice', 'laptop');
        const bob = server.token('bob', 'phone');
        await server.ask(alice, 'PUT', '/me', { display_name: 'Alice' });
        await server.ask(alice, 'POST', '/conversation', {
            conversation_id: 'conv_abc123',
            members: ['alice', 'bob'],
        });
        const put = await server.ask(bob, 'PUT', '/device/phone/push', {
            provider: 'apns',
            token: 'AABB01',
        });
        assert.equal(put.status, 200);
        let n = 0;
        const send = (content) =>
            server.ask(alice, 'POST', '/conversation/conv_abc123/messages', {
                client_id: `m${(n += 1)}`,
                content,
            });
        const peek = async () =>
            (await server.ask(alice, 'GET', '/conversation/conv_abc123?open=0')).body;
        await run({ double, server, alice, bob, send, peek });
    } finally {
        await server.remove();
        await double.close();
    }
}

const seqs = (double) =>
    double.accepted
        .filter((push) => push.payload.seq !== undefined)
        .map((push) => push.payload.seq);

test('a phone that is off for three days: five pushes, and the ticks stay single', () =>
    play(async ({ double, server, alice, send, peek }) => {
        for (const text of [
            'hey',
            'where are you?',
            'hello??',
            'is everything okay?',
            'call me when you can',
        ])
            await send(text);
        await until(() => double.accepted.length === 5);
        assert.deepEqual(seqs(double).sort(), [1, 2, 3, 4, 5]);
        assert.equal((await peek()).last_delivered_seq, 0, 'a push is no delivery');
        const pending = double.takePending('aabb01');
        assert.deepEqual(
            pending.map((push) => push.payload.seq),
            [5],
            'the newest per collapse id',
        );
        assert.equal(pending[0].payload.aps.alert.title, 'Alice');
        assert.equal(pending[0].payload.aps.alert.body, 'call me when you can');
        assert.equal(pending[0].payload.aps.badge, 1);
        const why = await server.ask(alice, 'GET', '/conversation/conv_abc123/messages/5/why');
        assert.equal(why.body.tick, 'one');

        const phone = await server.connect('bob', 'phone');
        await phone.until(
            (frames) => frames.filter((frame) => frame.type === 'message').length === 5,
        );
        assert.equal((await peek()).last_delivered_seq, 0, 'nor is the socket');
        phone.send({ type: 'delivered', conversation_id: 'conv_abc123', seq: 5 });
        await until(async () => (await peek()).last_delivered_seq === 5);
        const { body } = await server.ask(
            server.token('bob', 'phone'),
            'GET',
            '/conversation/conv_abc123/timeline',
        );
        const pushed = body.events.filter((event) => event.event === 'push_accepted');
        assert.deepEqual(pushed.map((event) => event.seq).sort(), [1, 2, 3, 4, 5]);
        assert.ok(
            pushed.every(({ detail }) =>
                double.accepted.some(({ id }) => `apns ${id}` === detail),
            ),
        );
        await phone.close();
    }));

test('a socket that looks open and does not ack: the phone rings after the delay, not before', () =>
    play(async ({ double, server, send }) => {
        const phone = await server.connect('bob', 'phone');
        const sentAt = Date.now();
        await send('hey');
        await phone.until((frames) => frames.some((frame) => frame.type === 'message'));
        await until(() => double.accepted.length === 1);
        assert.ok(Date.now() - sentAt >= 650);
        await phone.close();
    }));

test('a device that acks is not rung', () =>
    play(async ({ double, server, send, peek }) => {
        const phone = await server.connect('bob', 'phone');
        await send('one');
        await phone.until((frames) => frames.some((frame) => frame.type === 'message'));
        phone.send({ type: 'delivered', conversation_id: 'conv_abc123', seq: 1 });
        await until(async () => (await peek()).last_delivered_seq === 1);
        await phone.close();
        await send(
            'two',
        ); /* rings, so whatever was due for the first one has been decided by then */
        await until(() => double.accepted.length > 0);
        await until(async () =>
            /notifications_accepted_total [1-9]/.test(
                await (await fetch(`${server.admin}/metrics`)).text(),
            ),
        );
        assert.deepEqual(seqs(double), [2]);
    }));

test('a forgotten laptop that acks does not silence the phone', () =>
    play(async ({ double, server, send, peek }) => {
        const laptop = await server.connect('bob', 'laptop');
        await send('hey');
        await laptop.until((frames) => frames.some((frame) => frame.type === 'message'));
        laptop.send({ type: 'delivered', conversation_id: 'conv_abc123', seq: 1 });
        await until(async () => (await peek()).last_delivered_seq === 1);
        await until(() => double.accepted.length === 1);
        await laptop.close();
    }));

test('read elsewhere: a silent update, and no ring after it', () =>
    play(async ({ double, server, send }) => {
        const laptop = await server.connect('bob', 'laptop');
        await send('hey');
        await until(() => double.accepted.length === 1);
        laptop.send({ type: 'read', conversation_id: 'conv_abc123', seq: 1 });
        await until(() => double.accepted.length === 2);
        const [, silent] = double.accepted;
        assert.equal(silent.headers['apns-push-type'], 'background');
        assert.equal(silent.payload.last_read_seq, 1);
        await laptop.close();
    }));

test('kill -9 between store and push: it rings after the restart', () =>
    play(async ({ double, server, send }) => {
        double.options.stallAll = true;
        await send('hey');
        await until(() => double.open.size > 0);
        await server.kill('SIGKILL');
        double.options.stallAll = false;
        await server.start();
        await until(() => double.accepted.length >= 1);
        assert.deepEqual([...new Set(seqs(double))], [1]);
    }));

test('a service that is away: what still matters goes out later', () =>
    play(async ({ double, send }) => {
        let away = true;
        double.options.answer = () =>
            away ? { status: 503, body: { reason: 'ServiceUnavailable' } } : null;
        await send('one');
        await send('two');
        await until(() => double.rejected.length > 0);
        away = false;
        await until(() => seqs(double).includes(2), 30000);
    }));

test('a dead token is forgotten; one that moves to another user rings for that one', () =>
    play(async ({ double, server, send, bob }) => {
        double.options.answer = () => ({ status: 400, body: { reason: 'BadDeviceToken' } });
        await send('one');
        await until(() => double.rejected.length === 1);
        await until(async () => {
            const { body } = await server.ask(bob, 'GET', '/conversation/conv_abc123/timeline');
            return body.events.some(
                (event) =>
                    event.event === 'push_failed' && event.detail === 'apns BadDeviceToken',
            );
        });
        double.options.answer = null;
        await server.ask(bob, 'PUT', '/device/phone/push', { provider: 'apns', token: 'cc01' });
        const carol = server.token('carol', 'phone');
        await server.ask(carol, 'PUT', '/device/phone/push', {
            provider: 'apns',
            token: 'cc01',
        });
        await server.ask(bob, 'PUT', '/device/tablet/push', {
            provider: 'apns',
            token: 'dd01',
        });
        await send('two');
        await until(() => double.accepted.some((push) => push.token === 'dd01'));
        assert.ok(
            double.accepted.every((push) => push.token !== 'cc01'),
            "that phone is not Bob's now",
        );
    }));

test('muted: silent; previews off: no text; unlinked: no push', () =>
    play(async ({ double, server, send, bob }) => {
        await server.ask(bob, 'PUT', '/me', { push_preview: false });
        await send('a secret');
        await until(() => double.accepted.length === 1);
        assert.equal(double.accepted[0].payload.aps.alert.body, 'New message');
        assert.ok(!double.accepted[0].body.includes('secret'));
        await server.ask(bob, 'PUT', '/conversation/conv_abc123/settings', {
            muted_until: '2999-01-01T00:00:00.000Z',
        });
        await send('two');
        await server.ask(bob, 'PUT', '/conversation/conv_abc123/settings', {
            muted_until: null,
        });
        await send('three');
        await until(() => seqs(double).includes(3));
        await server.ask(bob, 'DELETE', '/device/phone/push');
        await server.ask(bob, 'PUT', '/device/tablet/push', {
            provider: 'apns',
            token: 'ee01',
        });
        await send('four');
        await until(() =>
            double.accepted.some((push) => push.token === 'ee01' && push.payload.seq === 4),
        );
        assert.ok(
            !double.accepted.some((push) => push.token === 'aabb01' && push.payload.seq === 4),
        );
    }));

test('--hide-previews: no text leaves the server, whatever the user has chosen', () =>
    play(
        async ({ double, server, send, bob }) => {
            await server.ask(bob, 'PUT', '/me', { push_preview: true });
            await send('a secret');
            await until(() => double.accepted.length === 1);
            assert.equal(double.accepted[0].payload.aps.alert.body, 'New message');
            assert.ok(!double.accepted[0].body.includes('secret'));
        },
        ['--hide-previews'],
    ));

test('in a group the title names it after the sender; each member rings but the sender', () =>
    play(async ({ double, server, alice }) => {
        const carol = server.token('carol', 'phone');
        const put = (who, token) =>
            server.ask(who, 'PUT', '/device/phone/push', { provider: 'apns', token });
        await put(carol, 'cc02');
        await server.ask(alice, 'PUT', '/device/phone/push', {
            provider: 'apns',
            token: 'aa02',
        });
        const made = await server.ask(alice, 'POST', '/conversation', {
            conversation_id: 'team',
            kind: 'group',
            title: 'Team \u00e9',
            members: ['alice', 'bob', 'carol'],
        });
        assert.equal(made.status, 201);
        const ring = (client_id) =>
            server.ask(alice, 'POST', '/conversation/team/messages', {
                client_id,
                content: 'hi',
            });
        await ring('g1');
        await until(() => double.accepted.length === 2);
        assert.deepEqual(double.accepted.map((push) => push.token).sort(), ['aabb01', 'cc02']);
        for (const { payload } of double.accepted) {
            assert.equal(payload.aps.alert.title, 'Alice \u00b7 Team \u00e9');
            assert.equal(payload.aps['thread-id'], 'team');
        }
        double.options.stallAll = true; /* the title is known after a restart too */
        await ring('g2');
        await until(() => double.stalled >= 2);
        await server.kill('SIGKILL');
        double.options.stallAll = false;
        await server.start();
        await until(() => double.accepted.filter((push) => push.payload.seq === 2).length >= 2);
        const [again] = double.accepted.filter((push) => push.payload.seq === 2);
        assert.equal(again.payload.aps.alert.title, 'Alice \u00b7 Team \u00e9');
    }));

test('410: an address that was registered after the time that Apple names stays', () =>
    play(async ({ double, send, server, bob }) => {
        let timestamp = Date.now() - 86400000;
        const pushes = [];
        double.options.answer = (push) => {
            pushes.push(push);
            return { status: 410, body: { reason: 'Unregistered', timestamp } };
        };
        const failures = async () =>
            (
                await server.ask(bob, 'GET', '/conversation/conv_abc123/timeline')
            ).body.events.filter((event) => event.event === 'push_failed').length;
        await send('one');
        await until(async () => (await failures()) === 1);
        timestamp = Date.now() + 60000;
        await send('two');
        await until(async () => (await failures()) === 2);
        assert.equal(pushes.length, 2, 'it had stayed');
        await server.ask(bob, 'PUT', '/device/tablet/push', {
            provider: 'apns',
            token: 'dd02',
        });
        double.options.answer = null;
        await send('three');
        await until(() => double.accepted.length === 1);
        assert.equal(double.accepted[0].token, 'dd02', 'now it has gone');
        assert.equal(pushes.length, 2);
    }));

test('push test rings on each device and explains the outcome', () =>
    play(async ({ double, server }) => {
        const good = await server.run('push', 'test', 'bob');
        assert.equal(good.status, 0, good.stderr);
        assert.match(
            good.stdout,
            /phone {2}apns {2}accepted {2}[0-9a-f-]{36}\n {4}the service has taken it/,
        );
        assert.equal(double.accepted[0].payload.aps.alert.body, 'This is a test.');
        double.options.answer = () => ({ status: 400, body: { reason: 'BadTopic' } });
        const bad = await server.run('push', 'test', 'bob');
        assert.equal(bad.status, 1);
        assert.match(bad.stdout, /later {2}BadTopic/);
        const nobody = await server.run('push', 'test', 'carol');
        assert.equal(nobody.status, 1);
        assert.match(nobody.stdout, /no device of this user has a push address/);
    }));

test('what is no push address is refused with a sentence', () =>
    play(async ({ server, bob }) => {
        for (const [body, words] of [
            [{}, /provider.*apns.*fcm.*webpush|apns/],
            [{ provider: 'pigeon', token: 'x' }, /"?apns/],
            [{ provider: 'apns' }, /missing/],
            [{ provider: 'apns', token: 'xyz' }, /hexadecimal/],
            [{ provider: 'apns', token: 'aa', environment: 'moon' }, /production/],
            [{ provider: 'fcm', token: 'a b' }, /FCM token/],
            [{ provider: 'webpush', endpoint: 'http://x/', keys: {} }, /https/],
            [
                {
                    provider: 'webpush',
                    endpoint: 'https://x/',
                    keys: { p256dh: 'AA', auth: 'AA' },
                },
                /base64url/,
            ],
        ]) {
            const answer = await server.ask(bob, 'PUT', '/device/phone/push', body);
            assert.equal(answer.status, 400, JSON.stringify(body));
            assert.match(answer.body.error.message, words);
        }
    }));

test("Web Push from GET /push/vapid to the decrypted text, with a third party's key", async () => {
    const push = await new WebPushDouble(world).listen();
    await play(
        async ({ server, bob, send }) => {
            const {
                body: { public_key: vapid },
            } = await server.ask(bob, 'GET', '/push/vapid');
            const subscription = await push.subscribe(vapid);
            const put = await server.ask(bob, 'PUT', '/device/web/push', {
                provider: 'webpush',
                endpoint: subscription.endpoint,
                expirationTime: null,
                keys: subscription.keys,
            });
            assert.equal(put.status, 200);
            await send('h\u00e9');
            await until(
                () => push.requests.length === 1 && push.texts(subscription).length === 1,
            );
            assert.equal(JSON.parse(push.texts(subscription)[0]).body, 'h\u00e9');
            assert.deepEqual(push.violations, []);
        },
        ['--push-private-addresses', '--vapid-subject', 'mailto:ops@chat.example'],
    );
    await push.close();
});
