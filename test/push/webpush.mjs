// A push service for browsers: decryption and VAPID are those of npm web-push-testing, the rules
// that it does not check (RFC 8030, 8292) are checked here.
import { createECDH, randomBytes } from 'node:crypto';
import https from 'node:https';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { PushApiModel } = require('web-push-testing/src/PushApiModel.js');

export class WebPushDouble {
    constructor(world, options = {}) {
        this.options = { answer: null, ...options };
        this.model = new PushApiModel();
        this.requests = [];
        this.violations = [];
        this.waiting = [];
        this.server = https.createServer(
            { key: world.key, cert: world.cert },
            (request, response) => this.#handle(request, response),
        );
    }

    async listen() {
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        this.origin = `https://localhost:${this.port}`;
        this.model.notifyUrl = `${this.origin}/notify/`;
        return this;
    }

    close() {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }

    /** The answer to the next push. */
    next() {
        return new Promise((resolve) => {
            this.waiting.push(resolve);
        });
    }

    /** As a browser's PushSubscription would be, and what it decrypts with. */
    async subscribe(vapid) {
        const data = await this.model.subscribe({
            userVisibleOnly: 'true',
            applicationServerKey: vapid,
        });
        return { endpoint: data.endpoint, keys: data.keys, hash: data.clientHash };
    }

    /** The same for keys that a browser has made: `d` is the private one, all in base64url. */
    adopt(vapid, { d, auth }) {
        const dh = createECDH('prime256v1');
        dh.setPrivateKey(Buffer.from(d, 'base64url'));
        const hash = randomBytes(32).toString('hex');
        this.model.subscriptions[hash] = {
            applicationServerKey: vapid,
            publicKey: dh.getPublicKey('base64'),
            subscriptionDh: dh,
            auth,
            isExpired: false,
        };
        return { endpoint: this.model.notifyUrl + hash, hash };
    }

    texts(subscription) {
        return this.model.getNotifications({ clientHash: subscription.hash }).messages;
    }

    #handle(request, response) {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', async () => {
            const body = Buffer.concat(chunks);
            this.requests.push({ url: request.url, headers: request.headers, body });
            const answer =
                this.options.answer?.(request, this) ?? (await this.#notify(request, body));
            if (answer === 'stall') return;
            if (answer === 'drip') {
                response.writeHead(200, { 'content-length': '100000' });
                const timer = setInterval(() => response.write('x'), 50);
                response.on('close', () => clearInterval(timer));
                return;
            }
            response.writeHead(answer.status, answer.headers);
            response.end(answer.body);
            for (const wake of this.waiting.splice(0)) wake(answer);
        });
    }

    #check(headers, body) {
        const claims = JSON.parse(
            Buffer.from(headers.authorization.split('.')[1], 'base64url'),
        );
        const now = Date.now() / 1000;
        const rules = [
            [claims.aud === this.origin, 'aud is the origin of the endpoint'],
            [claims.exp > now && claims.exp <= now + 86400, 'exp is at most 24 hours on'],
            [/^(mailto|https):/.test(claims.sub), 'sub is a mailto: or https: URL'],
            [/^\d+$/.test(headers.ttl ?? ''), 'TTL is there, and a number'],
            [
                /^[\w-]{1,32}$/.test(headers.topic ?? ''),
                'Topic is at most 32 letters of base64url',
            ],
            [
                ['very-low', 'low', 'normal', 'high'].includes(headers.urgency),
                'Urgency is one of four',
            ],
            [body.length <= 4096, 'a body has at most 4096 bytes'],
        ];
        for (const [holds, rule] of rules) if (!holds) this.violations.push(rule);
    }

    async #notify(request, body) {
        const { headers } = request;
        this.#check(headers, body);
        try {
            await this.model.handleNotification(
                request.url.split('/').pop(),
                {
                    encoding: headers['content-encoding'],
                    encryption: headers.encryption,
                    cryptoKey: headers['crypto-key'],
                    authorization: headers.authorization,
                    ttl: headers.ttl,
                },
                body,
            );
        } catch (error) {
            return {
                status: error.name === 'SubscriptionExpiredError' ? 410 : 400,
                headers: {},
                body: error.message,
            };
        }
        return {
            status: 201,
            headers: { location: `${this.origin}/m/${this.requests.length}` },
            body: '',
        };
    }
}
