// The real server, and devices that speak to it.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TWOTICKS = process.env.TWOTICKS;

export class Server {
    constructor(args, listen = '127.0.0.1:0') {
        this.listen = listen;
        this.dir = mkdtempSync(join(tmpdir(), 'twoticks-push-server-'));
        this.data = join(this.dir, 'data');
        this.args = args;
    }

    async start() {
        this.child = spawn(
            TWOTICKS,
            [
                'serve',
                '--data',
                this.data,
                '--listen',
                this.listen,
                '--admin-listen',
                '127.0.0.1:0',
                '--nodes',
                '2',
                ...this.args,
            ],
            { stdio: ['ignore', 'pipe', 'pipe'] },
        );
        this.stderr = '';
        this.child.stderr.on('data', (text) => {
            this.stderr += text;
        });
        let out = '';
        this.ended = new Promise((resolve) => {
            this.child.on('close', resolve);
        });
        await new Promise((resolve, reject) => {
            this.child.stdout.on('data', (text) => {
                out += text;
                this.admin = /admin on (\S+)/.exec(out)?.[1];
                this.url = /listening on (\S+)/.exec(out)?.[1];
                if (this.url !== undefined) resolve();
            });
            this.child.on('close', () => reject(new Error(`the server ended: ${this.stderr}`)));
        });
        return this;
    }

    async kill(signal) {
        this.child.kill(signal);
        return this.ended;
    }

    async remove() {
        const lives = this.child?.exitCode === null && this.child.signalCode === null;
        const code = lives ? await this.kill('SIGTERM') : 0;
        rmSync(this.dir, { recursive: true, force: true });
        if (code !== 0) throw new Error(`the server ended with ${code}: ${this.stderr}`);
    }

    token(user, device) {
        return execFileSync(TWOTICKS, ['token', user, '--device', device, '--data', this.data])
            .toString()
            .trim();
    }

    /** A command of the program, with this server's folder and URL. */
    run(...args) {
        return new Promise((resolve) => {
            execFile(
                TWOTICKS,
                [...args, '--data', this.data, '--url', this.url],
                (error, stdout, stderr) =>
                    resolve({ status: error?.code ?? 0, stdout, stderr }),
            );
        });
    }

    async ask(who, method, path, body) {
        const response = await fetch(this.url + path, {
            method,
            headers: { authorization: `Bearer ${who}` },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        return { status: response.status, body: await response.json() };
    }

    /** A device with a socket; `frames` are what it heard. */
    async connect(user, device) {
        const { WebSocket } = globalThis.WebSocket ? globalThis : await import('ws');
        const socket = new WebSocket(`${this.url.replace('http', 'ws')}/ws`, [
            'twoticks.v1',
            `bearer.${this.token(user, device)}`,
        ]);
        const peer = { socket, frames: [], waiting: [] };
        socket.addEventListener('message', ({ data }) => {
            peer.frames.push(JSON.parse(data));
            peer.waiting = peer.waiting.filter((wake) => !wake());
        });
        peer.send = (frame) => socket.send(JSON.stringify(frame));
        peer.until = (condition) =>
            new Promise((resolve) => {
                const wake = () => condition(peer.frames) && (resolve(), true);
                if (!wake()) peer.waiting.push(wake);
            });
        peer.close = () =>
            new Promise((resolve) => {
                socket.addEventListener('close', resolve);
                socket.close();
            });
        await peer.until((frames) => frames.some((frame) => frame.type === 'caught_up'));
        return peer;
    }
}
