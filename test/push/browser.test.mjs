// Web Push from end to end with keys that Chromium itself has made: a subscription in the shape of
// PushSubscription.toJSON(), made known by the page, pushed to by the server, taken and decrypted
// by npm web-push-testing, and once more by Chromium's own WebCrypto.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { makeWorld } from './lib.mjs';
import { Server } from './server.mjs';
import { WebPushDouble } from './webpush.mjs';

let world;
let browser;
let server;
let double;
before(async () => {
    world = makeWorld();
    double = await new WebPushDouble(world).listen();
    server = await new Server([
        '--push-private-addresses',
        '--push-ca',
        world.certFile,
        '--vapid-subject',
        'mailto:ops@chat.example',
    ]).start();
    browser = await chromium.launch({
        executablePath: '/usr/bin/chromium',
        args: [
            '--no-sandbox',
            '--disable-gpu',
            '--no-first-run',
            '--disable-background-networking',
        ],
    });
});
after(async () => {
    await browser?.close();
    await server?.remove();
    await double?.close();
    world?.remove();
});

// In the page, as the browser's push manager does it.
async function makeKeys() {
    const text = (bytes) =>
        btoa(String.fromCharCode(...new Uint8Array(bytes)))
            .replaceAll('+', '-')
            .replaceAll('/', '_')
            .replaceAll('=', '');
    const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, [
        'deriveBits',
    ]);
    const auth = crypto.getRandomValues(new Uint8Array(16));
    globalThis.mine = { pair, auth };
    return {
        p256dh: text(await crypto.subtle.exportKey('raw', pair.publicKey)),
        auth: text(auth),
        d: (await crypto.subtle.exportKey('jwk', pair.privateKey)).d,
    };
}

async function makeKnown({ token, endpoint, keys }) {
    const headers = { authorization: `Bearer ${token}` };
    const subscription = { endpoint, expirationTime: null, keys };
    const answer = await fetch('/device/browser/push', {
        method: 'PUT',
        headers,
        body: JSON.stringify({ provider: 'webpush', ...subscription }),
    });
    return { status: answer.status, body: await answer.json() };
}

// RFC 8291 and 8188, in the page.
async function decrypt(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const { pair, auth } = globalThis.mine;
    const salt = bytes.slice(0, 16);
    const theirs = bytes.slice(21, 21 + bytes[20]);
    const record = bytes.slice(21 + bytes[20]);
    const key = await crypto.subtle.importKey(
        'raw',
        theirs,
        { name: 'ECDH', namedCurve: 'P-256' },
        true,
        [],
    );
    const secret = await crypto.subtle.deriveBits(
        { name: 'ECDH', public: key },
        pair.privateKey,
        256,
    );
    const ours = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    const utf8 = new TextEncoder();
    const derive = async (from, with_, info, size) =>
        crypto.subtle.deriveBits(
            { name: 'HKDF', hash: 'SHA-256', salt: with_, info },
            await crypto.subtle.importKey('raw', from, 'HKDF', false, ['deriveBits']),
            size * 8,
        );
    const info = new Uint8Array([...utf8.encode('WebPush: info\0'), ...ours, ...theirs]);
    const input = await derive(secret, auth, info, 32);
    const cek = await derive(input, salt, utf8.encode('Content-Encoding: aes128gcm\0'), 16);
    const nonce = await derive(input, salt, utf8.encode('Content-Encoding: nonce\0'), 12);
    const plain = new Uint8Array(
        await crypto.subtle.decrypt(
            { name: 'AES-GCM', iv: nonce },
            await crypto.subtle.importKey('raw', cek, 'AES-GCM', false, ['decrypt']),
            record,
        ),
    );
    return new TextDecoder().decode(plain.slice(0, plain.lastIndexOf(2)));
}

test("a subscription made with Chromium's WebCrypto is pushed to, and decrypted", async () => {
    const alice = server.token('alice', 'laptop');
    const token = server.token('bob', 'browser');
    await server.ask(alice, 'PUT', '/me', { display_name: 'Alice' });
    await server.ask(alice, 'POST', '/conversation', {
        conversation_id: 'c1',
        members: ['alice', 'bob'],
    });
    const page = await browser.newPage();
    await page.goto(`${server.url}/`);
    const { d, ...keys } = await page.evaluate(makeKeys);
    const vapid = (await server.ask(token, 'GET', '/push/vapid')).body.public_key;
    const subscription = double.adopt(vapid, { d, auth: keys.auth });
    const known = await page.evaluate(makeKnown, {
        token,
        keys,
        endpoint: subscription.endpoint,
    });
    assert.deepEqual(known, {
        status: 200,
        body: { device_id: 'browser', provider: 'webpush' },
    });

    const arrived = double.next();
    await server.ask(alice, 'POST', '/conversation/c1/messages', {
        client_id: 'm1',
        content: 'h\u00e9 \u{1f600}',
    });
    assert.equal((await arrived).status, 201);
    const [text] = double.texts(subscription);
    assert.deepEqual(JSON.parse(text), {
        type: 'message',
        conversation_id: 'c1',
        seq: 1,
        title: 'Alice',
        body: 'h\u00e9 \u{1f600}',
        badge: 1,
    });
    assert.deepEqual(double.violations, []);
    const [{ body }] = double.requests;
    assert.equal(await page.evaluate(decrypt, body.toString('base64')), text);
    await page.close();
});
