// What the tests of push share: keys and certificates for one run, and the probe.
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const TOPIC = 'com.example.chat';
export const KEY_ID = 'KEY0000001';
export const TEAM = 'TEAM000001';

/** A folder with a certificate of localhost and the keys that the services would hand out. */
export function makeWorld() {
    const dir = mkdtempSync(join(tmpdir(), 'twoticks-push-'));
    const file = (name) => join(dir, name);
    execFileSync(
        'openssl',
        [
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-keyout',
            file('tls.key'),
            '-out',
            file('tls.crt'),
            '-days',
            '2',
            '-subj',
            '/CN=localhost',
            '-addext',
            'subjectAltName=DNS:localhost',
        ],
        { stdio: 'ignore' },
    );
    const apns = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const google = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const vapid = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = (key) => key.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file('apns.p8'), pem(apns.privateKey), { mode: 0o600 });
    writeFileSync(file('no-key'), readFileSync(file('tls.crt')), { mode: 0o600 });
    return {
        dir,
        key: readFileSync(file('tls.key')),
        cert: readFileSync(file('tls.crt')),
        certFile: file('tls.crt'),
        noKeyFile: file('no-key'), // a certificate, for its owner only as keys are
        apnsKeyFile: file('apns.p8'),
        apnsPublic: apns.publicKey,
        apnsPrivatePem: pem(apns.privateKey),
        googlePublic: google.publicKey,
        googlePrivatePem: pem(google.privateKey),
        vapidPem: pem(vapid.privateKey),
        somebody: apns.publicKey.export({ format: 'jwk' }), // a point on the curve
        writeAccount(tokenUri) {
            const account = {
                type: 'service_account',
                project_id: 'proj-1',
                private_key_id: 'gkey1',
                private_key: pem(google.privateKey),
                client_email: 'push@proj-1.example',
                token_uri: tokenUri,
            };
            writeFileSync(file('account.json'), JSON.stringify(account), { mode: 0o600 });
            return file('account.json');
        },
        remove() {
            rmSync(dir, { recursive: true, force: true });
        },
    };
}

export function apnsArguments(world, port, sandboxPort = port) {
    return [
        '--apns-key',
        world.apnsKeyFile,
        '--apns-key-id',
        KEY_ID,
        '--apns-team',
        TEAM,
        '--apns-topic',
        TOPIC,
        '--apns-host',
        `localhost:${port}`,
        '--apns-sandbox-host',
        `localhost:${sandboxPort}`,
        '--push-ca',
        world.certFile,
    ];
}

/** One line for the probe; what is left out has a default. */
export function line(parts) {
    const p = {
        kind: 'ring',
        provider: 'apns',
        environment: 'production',
        token: 'aa01',
        conversation: 'c1',
        seq: 1,
        p256dh: '-',
        auth: '-',
        name: 'Alice',
        content: 'hey',
        ...parts,
    };
    return (
        [
            p.kind,
            p.provider,
            p.environment,
            p.token,
            p.conversation,
            p.seq,
            p.p256dh,
            p.auth,
            p.name,
            p.content,
        ].join('\t') + '\n'
    );
}

/** Starts the probe. `outcomes` are what it told, `end` resolves when it has ended. */
export function startProbe(args) {
    const child = spawn(process.env.PUSH_PROBE, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const probe = { child, outcomes: [], stderr: '', cost: null, vapid: null, waiting: [] };
    child.stderr.on('data', (text) => {
        probe.stderr += text;
    });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (text) => {
        const [outcome, device, conversation, seq, retryMs, deadSince, detail] =
            text.split('\t');
        if (outcome === 'vapid') probe.vapid = device;
        else if (outcome === 'cost')
            probe.cost = { cpuSeconds: Number(device), allSeconds: Number(conversation), text };
        else {
            probe.outcomes.push({
                outcome,
                device,
                conversation,
                seq: Number(seq),
                retryMs: Number(retryMs),
                deadSince: Number(deadSince),
                detail,
            });
        }
        probe.waiting = probe.waiting.filter((wake) => !wake());
    });
    probe.end = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (status) => {
            probe.status = status;
            resolve(probe);
        });
    });
    probe.send = (parts) => child.stdin.write(line(parts));
    probe.finish = () => {
        child.stdin.end();
        return probe.end;
    };
    probe.until = (condition) =>
        new Promise((resolve) => {
            const wake = () => condition(probe) && (resolve(), true);
            if (!wake()) probe.waiting.push(wake);
        });
    return probe;
}

/** Sends all at once and waits for the end. */
export async function runProbe(args, notifications) {
    const probe = startProbe(args);
    probe.child.stdin.write(notifications.map(line).join(''));
    await probe.finish();
    if (probe.status !== 0)
        throw new Error(`the probe ended with ${probe.status}: ${probe.stderr}`);
    return probe;
}

/** Waits for something that no line of the probe tells of. */
export async function until(condition, ms = 20000) {
    const end = Date.now() + ms;
    while (!(await condition())) {
        if (Date.now() > end) throw new Error('it did not come about in time');
        await new Promise((resolve) => {
            setTimeout(resolve, 20);
        });
    }
}

export function count(list, key) {
    const counts = {};
    for (const item of list) counts[item[key]] = (counts[item[key]] ?? 0) + 1;
    return counts;
}
