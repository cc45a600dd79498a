/*
 * alice_sees: the second source document, seen: Bob's last seen comes with the chat, in one round
 * trip, and changes by itself.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChat, say, Stage } from './stage/browser.ts';
import { Server } from './stage/server.ts';

let server: Server;
let stage: Stage;
before(async () => {
  server = await Server.start();
  stage = await Stage.open(server.url);
});
after(async () => {
  await stage?.close();
  await server?.stop();
});

test('the header comes with the messages in one round trip, and changes live', async () => {
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  await say(bob, 'see you');
  await bob.getByRole('main').getByRole('img', { name: 'sent' }).first().waitFor();
  await bob.context().close();

  const alice = await stage.context({ locale: 'en-GB', timezoneId: 'Asia/Tokyo' });
  const page = await alice.newPage();
  const sent: string[] = [];
  const received: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', (frame) => sent.push(String(frame.payload)));
    socket.on('framereceived', (frame) => received.push(String(frame.payload)));
  });
  // What signing in asks for at last: the list once more, with the line up, and the demo's chat.
  const asked = [/changed_since/, /\/conversation$/].map((url) => page.waitForResponse(url));
  await stage.signIn(page, 'alice');
  await Promise.all(asked);
  await page.getByRole('link', { name: /Bob/ }).waitFor();
  await page.waitForFunction(() => document.title === '(1) Two Ticks');

  const requests: string[] = [];
  page.on('request', (request) => {
    // The tab's icon is the browser's own affair.
    if (!request.url().endsWith('/icon.svg')) requests.push(request.url());
  });
  sent.length = received.length = 0;
  // In the frame of the screen in which the messages come, the header has its text.
  await page.evaluate(() => {
    const look = () => {
      if (document.querySelector('main [data-seq]'))
        (window as unknown as { firstHeader: string }).firstHeader =
          document.querySelector('main header p')?.textContent ?? '';
      else requestAnimationFrame(look);
    };
    look();
  });
  await openChat(page, 'Bob');
  await page.getByRole('main').getByText('see you', { exact: true }).waitFor();
  const header = page.getByRole('main').getByRole('banner').or(page.locator('main header')).first();
  const firstHeader = await page.evaluate(
    () => (window as unknown as { firstHeader: string }).firstHeader,
  );
  assert.match(firstHeader, /^last seen today at \d{1,2}:\d\d$/);
  assert.deepEqual(requests, [], 'no HTTP request at all');
  const opens = sent.filter((frame) => frame.includes('"open"'));
  const answers = received.filter((frame) => frame.includes('"type":"conversation"'));
  assert.equal(opens.length, 1, 'one question');
  assert.equal(answers.length, 1, 'one answer');
  const answer = JSON.parse(answers[0]!) as {
    messages: { content: string }[];
    bob_status: { online: boolean; last_seen: string };
  };
  assert.equal(answer.messages.at(-1)!.content, 'see you');
  assert.equal(answer.bob_status.online, false);
  const spoken = new Intl.DateTimeFormat('en-GB', {
    hour: 'numeric',
    minute: '2-digit',
    timeZone: 'Asia/Tokyo',
  }).format(new Date(answer.bob_status.last_seen));
  assert.equal(firstHeader, `last seen today at ${spoken}`, "in the reader's own time zone");

  // Bob comes: pushed, not asked for.
  sent.length = 0;
  const again = await stage.person('bob');
  await header.getByText('online', { exact: true }).waitFor();
  // He types; he goes.
  await openChat(again, 'Alice');
  await again.getByRole('textbox', { name: 'Message' }).pressSequentially('al');
  await header.getByText('typing…').waitFor({ timeout: 2_000 });
  await again.context().close();
  await header.getByText(/^last seen today at \d{1,2}:\d\d$/).waitFor({ timeout: 10_000 });
  assert.deepEqual(requests, [], 'and still no HTTP request');
  assert.deepEqual(
    sent.filter((frame) => !/"(read|delivered|ping)"/.test(frame)),
    [],
  );
  assert.deepEqual(stage.wrongs, []);
});
