/*
 * push: where a device rings while it has no line.
 */
import { type Http, path } from './http.ts';

/** Where to ring, as `PUT /device/{id}/push` takes it. */
export type PushAddress =
  | { provider: 'apns'; token: string; environment?: 'production' | 'sandbox' }
  | { provider: 'fcm'; token: string }
  | ({ provider: 'webpush' } & Record<string, unknown>);

interface Subscription {
  toJSON(): object;
  unsubscribe(): Promise<boolean>;
}

/** What of a `ServiceWorkerRegistration` is used. */
export interface PushWorker {
  readonly pushManager: {
    subscribe(options: {
      userVisibleOnly: boolean;
      applicationServerKey: string;
    }): Promise<Subscription>;
    getSubscription(): Promise<Subscription | null>;
  };
}

export async function register(http: Http, device: string, address: PushAddress): Promise<void> {
  await http.request('PUT', path`/device/${device}/push`, address);
}

export async function unregister(http: Http, device: string): Promise<void> {
  await http.request('DELETE', path`/device/${device}/push`);
}

export async function subscribe(http: Http, device: string, worker: PushWorker): Promise<void> {
  const { public_key } = await http.get<{ public_key: string }>('/push/vapid');
  const options = { userVisibleOnly: true, applicationServerKey: public_key };
  const subscription = await worker.pushManager.subscribe(options).catch(async (error: unknown) => {
    // One that was made with another key stands in the way.
    const old = await worker.pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return worker.pushManager.subscribe(options);
  });
  await register(http, device, { ...subscription.toJSON(), provider: 'webpush' });
}

export async function unsubscribe(http: Http, device: string, worker: PushWorker): Promise<void> {
  const subscription = await worker.pushManager.getSubscription();
  await subscription?.unsubscribe();
  await unregister(http, device);
}
