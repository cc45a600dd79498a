/*
 * server: the real program, on free ports and a folder of its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const PROGRAM = process.env['TWOTICKS'] ?? join(ROOT, 'build/release/twoticks');

if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there: tool/build makes it`);

export class Server {
  readonly #folder: string;
  readonly #options: string[];
  #process: ChildProcess | null = null;
  /** After a restart it listens where it did before, so that open pages find it. */
  #port = '0';
  url = '';

  private constructor(folder: string, options: string[]) {
    this.#folder = folder;
    this.#options = options;
  }

  static async start(...options: string[]): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), 'twoticks-web-')), options);
    await server.again();
    return server;
  }

  /** Starts it on the same folder and port. */
  async again(): Promise<void> {
    const child = spawn(
      PROGRAM,
      [
        'serve',
        '--data',
        this.#folder,
        '--listen',
        `127.0.0.1:${this.#port}`,
        '--admin-listen',
        '127.0.0.1:0',
        '--demo',
        '--log-level',
        'error',
        ...this.#options,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#process = child;
    for await (const line of createInterface({ input: child.stdout! })) {
      const address = /^listening on (http:.*)$/.exec(line);
      if (!address) continue;
      this.url = address[1]!;
      this.#port = new URL(this.url).port;
      return;
    }
    throw new Error(`${PROGRAM} ended before it listened`);
  }

  /** As a power cut does it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = null;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A token of whoever it may be, as who runs the server makes one. */
  async token(user_id: string, device_id: string): Promise<string> {
    const args = ['token', user_id, '--device', device_id, '--data', this.#folder];
    return (await promisify(execFile)(PROGRAM, args)).stdout.trim();
  }

  /** A token that lives only so long, `3s`: made by the program itself. */
  async shortToken(user_id: string, device_id: string, ttl: string): Promise<string> {
    const args = ['token', user_id, '--device', device_id, '--ttl', ttl, '--data', this.#folder];
    return (await run(PROGRAM, args)).stdout.trim();
  }

  async request<T>(token: string, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
