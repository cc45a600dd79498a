// A double of FCM HTTP v1 and of Google's token endpoint: it enforces the rules that Google
// publishes, and can fail in each of the ways that Google names.
import https from 'node:https';
import { verify } from 'node:crypto';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const DAYS_28_S = 28 * 86400;

function readBody(request) {
    return new Promise((resolve) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
}

export function fcmError(code, status, errorCode, message = 'no') {
    return {
        status: code,
        body: {
            error: {
                code,
                message,
                status,
                details:
                    errorCode === undefined
                        ? []
                        : [
                              {
                                  '@type':
                                      'type.googleapis.com/google.firebase.fcm.v1.FcmError',
                                  errorCode,
                              },
                          ],
            },
        },
    };
}

export class FcmDouble {
    constructor(world, options = {}) {
        this.public = world.googlePublic;
        this.options = {
            lives: 3600,
            answer: null,
            tokenAnswer: null,
            project: 'proj-1',
            ...options,
        };
        this.accepted = [];
        this.tokens = new Map(); // access token -> when it ends
        this.fetched = 0;
        this.requests = 0;
        this.server = https.createServer(
            { key: world.key, cert: world.cert },
            (request, response) => {
                this.#handle(request).then((answer) => {
                    if (answer === 'stall') return;
                    if (answer === 'die') {
                        request.socket.destroy();
                        return;
                    }
                    response.writeHead(answer.status, {
                        'content-type': 'application/json',
                        ...answer.headers,
                    });
                    response.end(JSON.stringify(answer.body));
                });
            },
        );
    }

    async listen() {
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        this.tokenUri = `https://localhost:${this.port}/token`;
        return this;
    }

    close() {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }

    async #handle(request) {
        const body = await readBody(request);
        if (request.method === 'POST' && request.url === '/token') return this.#token(body);
        this.requests += 1;
        if (
            request.method !== 'POST' ||
            request.url !== `/v1/projects/${this.options.project}/messages:send`
        )
            return fcmError(404, 'NOT_FOUND');
        const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
        if (!(this.tokens.get(token) > Date.now()))
            return fcmError(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR');
        return this.#send(body);
    }

    #token(body) {
        this.fetched += 1;
        const answer = this.options.tokenAnswer?.(this);
        if (answer) return answer;
        const form = new URLSearchParams(body);
        const bad = (text) => ({
            status: 400,
            body: { error: 'invalid_grant', error_description: text },
        });
        if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
            return bad('grant');
        const [header, claims, signature] = (form.get('assertion') ?? '').split('.');
        if (signature === undefined) return bad('assertion');
        const signed = verify(
            'sha256',
            Buffer.from(`${header}.${claims}`),
            this.public,
            Buffer.from(signature, 'base64url'),
        );
        const { alg } = JSON.parse(Buffer.from(header, 'base64url'));
        const said = JSON.parse(Buffer.from(claims, 'base64url'));
        const now = Date.now() / 1000;
        if (!signed || alg !== 'RS256') return bad('signature');
        if (!said.scope.split(' ').includes(SCOPE) && !said.scope.includes('cloud-platform'))
            return bad('scope');
        if (said.aud !== this.tokenUri) return bad('aud');
        if (said.exp - said.iat > 3600 || said.exp < now || said.iat > now + 60)
            return bad('exp');
        const token = `ya29.${this.fetched}`;
        this.tokens.set(token, Date.now() + this.options.lives * 1000);
        return {
            status: 200,
            body: { access_token: token, expires_in: this.options.lives, token_type: 'Bearer' },
        };
    }

    #send(body) {
        const invalid = (text) => fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', text);
        let message;
        try {
            ({ message } = JSON.parse(body));
        } catch {
            return invalid('no JSON');
        }
        if (typeof message?.token !== 'string')
            return invalid('The registration token is missing');
        for (const value of Object.values(message.data ?? {}))
            if (typeof value !== 'string') return invalid('message.data values are strings');
        const size = Buffer.byteLength(
            JSON.stringify({ ...message.data, ...message.notification }),
        );
        if (size > 4096) return invalid('Message too big');
        const android = message.android ?? {};
        if (!['HIGH', 'NORMAL', 'high', 'normal', undefined].includes(android.priority))
            return invalid('message.android.priority');
        if (android.priority === 'HIGH' && message.notification === undefined)
            return invalid('HIGH is for what people see');
        if (
            android.ttl !== undefined &&
            !(parseFloat(android.ttl) <= DAYS_28_S && android.ttl.endsWith('s'))
        )
            return invalid('message.android.ttl');
        const answer = this.options.answer?.(message, this);
        if (answer) return answer;
        this.accepted.push(message);
        return {
            status: 200,
            body: {
                name: `projects/${this.options.project}/messages/0:${this.accepted.length}`,
            },
        };
    }
}
