// A chat server as one writes it by hand: Node, `ws` and SQLite. It speaks as much of the protocol
// of Two Ticks as `twoticks bench pairs` uses, and keeps the promises behind those frames: what it
// says is on the disk, a repeated client_id gets the same seq, a device gets what it has not acked,
// and ticks do not go back.
//
// What makes it fast: all writes that one turn of the loop brings are one transaction (group
// commit), statements are prepared once, and what a commit allows to be said is sent in one go per
// socket. usage: server.mjs FOLDER; FOLDER/secret is the HS256 key. It listens on 127.0.0.1, on a
// port of the system's choice.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WebSocketServer } from 'ws';

const folder = process.argv[2];
const secret = readFileSync(join(folder, 'secret'), 'utf8').split('\n')[0];
const db = new DatabaseSync(join(folder, 'chat.db'));
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -65536;
  CREATE TABLE IF NOT EXISTS member (
    conversation TEXT, user TEXT, delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, user)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS member_user ON member (user);
  CREATE TABLE IF NOT EXISTS message (
    conversation TEXT, seq INTEGER, sender TEXT, client_id TEXT, content TEXT, at TEXT,
    PRIMARY KEY (conversation, seq)) WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS message_once ON message (conversation, sender, client_id);
`);

const sql = {
  begin: db.prepare('BEGIN IMMEDIATE'),
  commit: db.prepare('COMMIT'),
  addMember: db.prepare('INSERT INTO member (conversation, user) VALUES (?, ?)'),
  members: db.prepare('SELECT user, delivered FROM member WHERE conversation = ?'),
  cursors: db.prepare('SELECT conversation, delivered FROM member WHERE user = ?'),
  head: db.prepare('SELECT max(seq) AS seq FROM message WHERE conversation = ?'),
  add: db.prepare(
    'INSERT INTO message (conversation, seq, sender, client_id, content, at) ' +
      'VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (conversation, sender, client_id) DO NOTHING',
  ),
  repeated: db.prepare(
    'SELECT seq, at FROM message WHERE conversation = ? AND sender = ? AND client_id = ?',
  ),
  after: db.prepare(
    'SELECT seq, sender, content, at FROM message ' +
      'WHERE conversation = ? AND seq > ? AND sender <> ? ORDER BY seq',
  ),
  delivered: db.prepare(
    'UPDATE member SET delivered = ?3 WHERE conversation = ?1 AND user = ?2 AND delivered < ?3',
  ),
};

const sockets = new Map(); // of a user
const conversations = new Map(); // id -> { members: [user], head }, as far as they were used

function conversationOf(id) {
  let conversation = conversations.get(id);
  if (conversation === undefined) {
    const members = sql.members.all(id).map((row) => row.user);
    conversation = { members, head: sql.head.get(id).seq ?? 0 };
    conversations.set(id, conversation);
  }
  return conversation;
}

// --- what one turn of the loop has to write, and to say once it is on the disk

let jobs = [];

function enqueue(job) {
  if (jobs.length === 0) setImmediate(commit);
  jobs.push(job);
}

function commit() {
  const batch = jobs;
  const words = [];
  jobs = [];
  sql.begin.run();
  try {
    for (const job of batch) job(words);
    sql.commit.run();
  } catch (error) {
    // What was not written cannot be promised: everybody comes again and repeats.
    console.error(error);
    process.exit(1);
  }
  const touched = new Set();
  for (const [user, frame] of words) {
    const socket = sockets.get(user);
    if (socket === undefined || socket.readyState !== socket.OPEN) continue;
    if (!touched.has(socket)) {
      touched.add(socket);
      socket._socket.cork();
    }
    socket.send(JSON.stringify(frame));
  }
  for (const socket of touched) socket._socket?.uncork();
}

function store(user, frame) {
  return (words) => {
    const { conversation_id, client_id, content } = frame;
    const conversation = conversationOf(conversation_id);
    if (!conversation.members.includes(user)) {
      words.push([user, { type: 'error', code: 'not_found', message: 'no such conversation' }]);
      return;
    }
    let seq = conversation.head + 1;
    let timestamp = new Date().toISOString();
    const added = sql.add.run(conversation_id, seq, user, client_id, content, timestamp);
    if (added.changes === 0) {
      ({ seq, at: timestamp } = sql.repeated.get(conversation_id, user, client_id));
    } else {
      conversation.head = seq;
      const message = { type: 'message', conversation_id, seq, sender: user, content, timestamp };
      for (const member of conversation.members) if (member !== user) words.push([member, message]);
    }
    words.push([user, { type: 'sent', client_id, conversation_id, seq, timestamp }]);
  };
}

function move(user, frame) {
  return (words) => {
    const { conversation_id, seq } = frame;
    const conversation = conversationOf(conversation_id);
    if (!conversation.members.includes(user) || seq > conversation.head) return;
    if (sql.delivered.run(conversation_id, user, seq).changes === 0) return;
    const update = {
      type: 'status_update',
      conversation_id,
      user_id: user,
      last_delivered_seq: seq,
    };
    for (const member of conversation.members) if (member !== user) words.push([member, update]);
  };
}

// --- HTTP and WebSocket

function userOf(request) {
  const [head, body, signature] = (request.headers.authorization ?? '')
    .replace(/^Bearer /, '')
    .split('.');
  if (signature === undefined) return undefined;
  const wanted = createHmac('sha256', secret).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  return claims.exp * 1000 > Date.now() ? claims.sub : undefined;
}

function create(request, response) {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    const { conversation_id, members } = JSON.parse(body);
    enqueue(() => {
      for (const member of members) sql.addMember.run(conversation_id, member);
      conversations.set(conversation_id, { members, head: 0 });
      setImmediate(() => response.writeHead(201).end('{}'));
    });
  });
}

const http = createServer((request, response) => {
  if (userOf(request) === undefined) response.writeHead(401).end();
  else if (request.method === 'POST' && request.url === '/conversation') create(request, response);
  else response.writeHead(404).end();
});

function greet(user, socket) {
  socket.send(JSON.stringify({ type: 'hello', user_id: user }));
  for (const { conversation, delivered } of sql.cursors.all(user))
    for (const row of sql.after.all(conversation, delivered, user))
      socket.send(
        JSON.stringify({
          type: 'message',
          conversation_id: conversation,
          seq: row.seq,
          sender: row.sender,
          content: row.content,
          timestamp: row.at,
        }),
      );
  socket.send(JSON.stringify({ type: 'caught_up' }));
}

const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
http.on('upgrade', (request, stream, head) => {
  const user = request.url === '/ws' ? userOf(request) : undefined;
  if (user === undefined) {
    stream.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    return;
  }
  stream.setNoDelay(true);
  wss.handleUpgrade(request, stream, head, (socket) => {
    sockets.set(user, socket);
    socket.on('close', () => sockets.get(user) === socket && sockets.delete(user));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      const frame = JSON.parse(data);
      if (frame.type === 'send') enqueue(store(user, frame));
      else if (frame.type === 'delivered') enqueue(move(user, frame));
    });
    greet(user, socket);
  });
});

http.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () =>
  console.log(`listening on http://127.0.0.1:${http.address().port}`),
);
