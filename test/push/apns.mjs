// A double of APNs: it enforces the rules that Apple publishes, and can fail in each of the ways
// that Apple names. "Setting up a remote notification server: Sending notification requests to
// APNs", "Establishing a token-based connection", "Handling notification responses".
import http2 from 'node:http2';
import { verify } from 'node:crypto';

const HOUR_S = 3600;
const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = http2.constants;

export class ApnsDouble {
    /** @param world keys and certificate; options: what to do wrong, see below */
    constructor(world, { keyId, team, topic, ...options }) {
        Object.assign(this, { keyId, team, topic, public: world.apnsPublic });
        this.options = {
            streamsAfterToken: 1000,
            goawayEvery: 0, // streams
            failEvery: 0, // with 429 and 503 in turn, `failFor` requests long
            failFor: 0,
            stallAll: false, // never answers
            dieOn: null, // (n) => true: the connection breaks after the n-th was taken, unanswered
            answer: null, // (push) => ({status, body, headers}) instead of the usual
            slowMs: 0, // before each answer
            now: () => Math.floor(Date.now() / 1000),
            ...options,
        };
        this.accepted = []; // every push that was taken
        this.phones = new Map(); // token -> {latest: Map(collapse id -> push)}
        this.violations = []; // of rules that no answer tells of
        this.rejected = []; // answers that were no 200
        this.sessions = 0;
        this.open = new Set();
        this.tokens = [];
        this.expired = new Set(); // those of them that are to be called expired
        this.requests = 0;
        this.stalled = 0;
        this.pings = 0;
        this.server = http2.createSecureServer({
            key: world.key,
            cert: world.cert,
            settings: { maxConcurrentStreams: 1 },
        });
        this.server.on('session', (session) => this.#session(session));
        this.server.on('sessionError', () => {});
    }

    async listen() {
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        return this;
    }

    close() {
        for (const session of this.open) session.destroy();
        return new Promise((resolve) => this.server.close(resolve));
    }

    /** What a phone that comes back is handed: the newest per collapse id. */
    takePending(token) {
        const phone = this.phones.get(token);
        this.phones.delete(token);
        return phone === undefined ? [] : [...phone.values()];
    }

    #session(session) {
        this.sessions += 1;
        this.open.add(session);
        const state = {
            believes: false,
            streams: 0,
            concurrent: 0,
            lastId: null,
            answering: 0,
        };
        session.on('close', () => this.open.delete(session));
        session.on('error', () => {});
        session.on('ping', () => {
            this.pings += 1;
        });
        session.on('stream', (stream, headers) =>
            this.#stream(session, state, stream, headers),
        );
    }

    #stream(session, state, stream, headers) {
        stream.on('error', () => {});
        if (state.lastId !== null && stream.id > state.lastId) {
            stream.close(NGHTTP2_REFUSED_STREAM);
            return;
        }
        state.streams += 1;
        state.concurrent += 1;
        if (!state.believes && state.concurrent > 1)
            this.violations.push('more than one stream before a token was accepted');
        stream.on('close', () => {
            state.concurrent -= 1;
        });
        const { goawayEvery } = this.options;
        if (goawayEvery > 0 && state.streams === goawayEvery) {
            state.lastId = stream.id;
            session.goaway(0, stream.id, Buffer.from(JSON.stringify({ reason: 'Shutdown' })));
        }
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () =>
            this.#request(session, state, stream, headers, Buffer.concat(chunks)),
        );
    }

    #request(session, state, stream, headers, body) {
        if (stream.destroyed) return;
        this.requests += 1;
        if (this.options.stallAll) {
            this.stalled += 1;
            return;
        }
        const push = {
            token: headers[':path'].split('/').pop(),
            headers,
            body: body.toString(),
            session: this.sessions,
        };
        let answer = this.#check(state, headers, body);
        if (answer === null && this.options.answer !== null)
            answer = this.options.answer(push, this);
        if (answer === null) answer = this.#fault();
        if (answer === null) {
            this.#take(push);
            if (this.options.dieOn !== null && this.options.dieOn(this.accepted.length)) {
                session.destroy(undefined, NGHTTP2_INTERNAL_ERROR);
                return;
            }
            if (!state.believes) {
                state.believes = true;
                session.settings({ maxConcurrentStreams: this.options.streamsAfterToken });
            }
            answer = { status: 200, headers: { 'apns-id': push.id } };
        } else {
            this.rejected.push(answer);
        }
        if (this.options.slowMs > 0)
            setTimeout(() => this.#answer(session, state, stream, answer), this.options.slowMs);
        else this.#answer(session, state, stream, answer);
    }

    #answer(session, state, stream, answer) {
        if (stream.destroyed) return;
        stream.respond(
            { ':status': answer.status, ...answer.headers },
            { endStream: answer.body === undefined },
        );
        if (answer.body !== undefined) stream.end(JSON.stringify(answer.body));
        if (state.lastId !== null && state.concurrent <= 1) setImmediate(() => session.close());
    }

    #take(push) {
        push.id = crypto.randomUUID();
        push.payload = JSON.parse(push.body);
        this.accepted.push(push);
        const phone = this.phones.get(push.token) ?? new Map();
        const collapse = push.headers['apns-collapse-id'] ?? push.id;
        phone.delete(collapse);
        phone.set(collapse, push);
        this.phones.set(push.token, phone);
    }

    #fault() {
        const { failEvery, failFor } = this.options;
        if (failEvery === 0 || this.requests % failEvery >= failFor) return null;
        return Math.floor(this.requests / failEvery) % 2 === 0
            ? { status: 429, body: { reason: 'TooManyRequests' } }
            : { status: 503, body: { reason: 'ServiceUnavailable' } };
    }

    // null: nothing to complain about
    #check(state, headers, body) {
        const reject = (status, reason) => ({ status, body: { reason } });
        if (headers[':method'] !== 'POST') return reject(405, 'MethodNotAllowed');
        const path = /^\/3\/device\/(.*)$/.exec(headers[':path']);
        if (path === null) return reject(404, 'BadPath');
        if (!/^([0-9a-fA-F]{2})+$/.test(path[1])) return reject(400, 'BadDeviceToken');
        const token = this.#checkToken(headers.authorization);
        if (token !== null) return token;
        return this.#checkHeaders(headers, reject) ?? this.#checkPayload(headers, body, reject);
    }

    #checkToken(authorization) {
        const reject = (status, reason) => ({ status, body: { reason } });
        const match = /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? '');
        if (match === null) return reject(403, 'MissingProviderToken');
        const header = JSON.parse(Buffer.from(match[1], 'base64url'));
        const claims = JSON.parse(Buffer.from(match[2], 'base64url'));
        const known = this.tokens.some((token) => token.text === authorization);
        const signed =
            known ||
            verify(
                'sha256',
                Buffer.from(`${match[1]}.${match[2]}`),
                { key: this.public, dsaEncoding: 'ieee-p1363' },
                Buffer.from(match[3], 'base64url'),
            );
        if (
            header.alg !== 'ES256' ||
            header.kid !== this.keyId ||
            claims.iss !== this.team ||
            !signed
        )
            return reject(403, 'InvalidProviderToken');
        const now = this.options.now();
        if (this.expired.has(authorization)) return reject(403, 'ExpiredProviderToken');
        if (Math.abs(now - claims.iat) > HOUR_S) return reject(403, 'ExpiredProviderToken');
        if (!known) {
            const last = this.tokens.at(-1);
            if (last !== undefined && now - last.at < 20 * 60)
                return reject(429, 'TooManyProviderTokenUpdates');
            this.tokens.push({ text: authorization, at: now });
        }
        return null;
    }

    #checkHeaders(headers, reject) {
        const type = headers['apns-push-type'];
        const priority = headers['apns-priority'];
        if (headers['apns-topic'] === undefined) return reject(400, 'MissingTopic');
        if (headers['apns-topic'] !== this.topic) return reject(400, 'BadTopic');
        if (type !== 'alert' && type !== 'background') return reject(400, 'InvalidPushType');
        if (!['10', '5', '1'].includes(priority)) return reject(400, 'BadPriority');
        if (type === 'background' && priority !== '5') return reject(400, 'BadPriority');
        const expiration = headers['apns-expiration'];
        if (!/^\d+$/.test(expiration ?? '')) return reject(400, 'BadExpirationDate');
        const seconds = Number(expiration) - Math.floor(Date.now() / 1000);
        if (expiration !== '0' && (seconds <= 0 || seconds > 30 * 24 * HOUR_S))
            return reject(400, 'BadExpirationDate');
        if (Buffer.byteLength(headers['apns-collapse-id'] ?? '') > 64)
            return reject(400, 'BadCollapseId');
        const id = headers['apns-id'];
        if (id !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))
            return reject(400, 'BadMessageId');
        return null;
    }

    #checkPayload(headers, body, reject) {
        if (body.length === 0) return reject(400, 'PayloadEmpty');
        if (body.length > 4096) return reject(413, 'PayloadTooLarge');
        let payload;
        try {
            payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
        } catch {
            return reject(400, 'PayloadEmpty');
        }
        const aps = payload.aps ?? {};
        const visible =
            aps.alert !== undefined || aps.badge !== undefined || aps.sound !== undefined;
        if (
            headers['apns-push-type'] === 'background'
                ? visible || aps['content-available'] !== 1
                : aps.alert === undefined
        )
            return reject(400, 'InvalidPushType');
        return null;
    }
}
