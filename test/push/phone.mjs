// A phone in a network of its own: it connects, says each frame that it hears on a line of its
// stdout, and acks what it is handed.
//   node phone.mjs ws://HOST:PORT/ws TOKEN
const [url, token] = process.argv.slice(2);
const socket = new WebSocket(url, ['twoticks.v1', `bearer.${token}`]);
socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data);
    console.log(data);
    if (frame.type !== 'message') return;
    const { conversation_id, seq } = frame;
    socket.send(JSON.stringify({ type: 'delivered', conversation_id, seq }));
});
socket.addEventListener('close', () => console.log('{"type":"closed"}'));
