// What can stand between the notifier and a double.
import net from 'node:net';
import tls from 'node:tls';

/** Forwards bytes, until it is frozen: then nothing passes any more and nobody is told. */
export class Proxy {
    constructor(port) {
        this.connections = 0;
        this.closed = 0;
        this.open = new Set();
        this.server = net.createServer((socket) => {
            this.connections += 1;
            const onward = net.connect(port, '127.0.0.1');
            this.open.add(socket).add(onward);
            for (const [from, to] of [
                [socket, onward],
                [onward, socket],
            ]) {
                from.on('data', (bytes) => !from.frozen && to.write(bytes));
                from.on('error', () => {});
                from.on('close', () => to.frozen || to.destroy());
            }
            socket.on('close', () => {
                this.closed += 1;
            });
        });
    }

    async listen() {
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        return this;
    }

    /** What is open now; later connections pass. */
    freeze() {
        for (const socket of this.open) socket.frozen = true;
    }

    close() {
        for (const socket of this.open) socket.destroy();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

const PREFACE = 24;
const HEAD = 9;

/** Looks into TLS at the HTTP/2 frames that the client sends: `frames` are {type, flags, size}. */
export class Sniffer {
    constructor(world, port) {
        this.frames = [];
        this.server = tls.createServer(
            { key: world.key, cert: world.cert, ALPNProtocols: ['h2'] },
            (socket) => {
                const onward = tls.connect({
                    port,
                    host: '127.0.0.1',
                    servername: 'localhost',
                    ca: world.cert,
                    ALPNProtocols: ['h2'],
                });
                let seen = Buffer.alloc(0);
                let isAfterPreface = false;
                socket.on('data', (bytes) => {
                    onward.write(bytes);
                    seen = Buffer.concat([seen, bytes]);
                    if (!isAfterPreface && seen.length >= PREFACE) {
                        seen = seen.subarray(PREFACE);
                        isAfterPreface = true;
                    }
                    while (isAfterPreface && seen.length >= HEAD) {
                        const size = seen.readUIntBE(0, 3);
                        if (seen.length < HEAD + size) break;
                        this.frames.push({ type: seen[3], flags: seen[4], size });
                        seen = seen.subarray(HEAD + size);
                    }
                });
                onward.on('data', (bytes) => socket.write(bytes));
                for (const [one, other] of [
                    [socket, onward],
                    [onward, socket],
                ]) {
                    one.on('error', () => {});
                    one.on('close', () => other.destroy());
                }
            },
        );
    }

    async listen() {
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        return this;
    }

    close() {
        return new Promise((resolve) => this.server.close(resolve));
    }
}
