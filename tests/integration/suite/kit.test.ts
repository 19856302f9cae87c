// The kit against itself: a test kit that cannot see a fault would let every other test pass.
import { assert, connect, ConnectionLost, Metrics, scenario, ScriptedOrigin, sleep, websocket } from '../kit/index.js';

scenario('a client reads what a scripted origin writes, chunk by chunk', async ({ scripted, connect }) => {
  const origin = await scripted(async (c) => {
    const request = await c.readRequest();
    assert.equal(request.method, 'POST');
    assert.equal(request.text, 'hello');
    await c.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n');
    await sleep(20);
    await c.send('1;ext=1\r\n!\r\n0\r\nx-sum: 6\r\n\r\n');
  });
  const client = await connect(origin.address);
  const response = await client.ask('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  assert.equal(response.text, 'hello!');
  assert.deepEqual(response.chunks, [5, 1]);
  assert.deepEqual(response.trailers, ['x-sum: 6']);
  assert.equal(await client.reader.closed(), 'end');
});

scenario('a reset is told from an orderly close', async ({ scripted, connect }) => {
  const origin = await scripted(async (c) => {
    await c.readRequest();
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await sleep(20);
    c.reset();
  });
  const client = await connect(origin.address);
  await assert.rejects(client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), (error: Error) => error instanceof ConnectionLost && error.how === 'reset');
});

scenario('a half-closed connection still carries the answer', async ({ scripted, connect }) => {
  const origin = await scripted(async (c) => {
    const everything = await c.reader.toEnd();
    await c.send(`got ${everything.length}`);
  });
  const client = await connect(origin.address);
  await client.send('12345');
  await client.end();
  assert.equal((await client.reader.toEnd()).toString(), 'got 5');
});

scenario('a reader that does not read holds the sender back', async ({ scripted, connect }) => {
  let sent = 0;
  const origin = await scripted(async (c) => {
    const block = Buffer.alloc(1 << 20);
    for (let i = 0; i < 64; i += 1) {
      await c.send(block);
      sent += 1;
    }
  });
  const client = await connect(origin.address);
  await sleep(300);
  assert.ok(sent < 32, `${sent} MiB went into a connection that nobody reads`);
  assert.equal(await client.reader.countToEnd(), 64 << 20);
});

scenario('an origin whose expectation is not met fails the test', async () => {
  const origin = await ScriptedOrigin.start(async () => { throw new Error('unexpected'); });
  const client = await connect(origin.address);
  await client.reader.closed();
  await assert.rejects(origin.close(), /unexpected/);
});

scenario('WebSocket frames survive the way there and back', async ({ scripted, connect }) => {
  const origin = await scripted(async (c) => {
    await websocket.acceptUpgrade(c);
    const frame = await websocket.readFrame(c);
    await c.send(websocket.encodeFrame(frame.opcode, frame.payload, 'plain'));
  });
  const client = await connect(origin.address);
  assert.equal((await websocket.upgrade(client, 'a')).status, 101);
  const payload = Buffer.alloc(300, 7);
  await client.send(websocket.encodeFrame(websocket.opcodes.binary, payload, 'masked'));
  assert.deepEqual((await websocket.readFrame(client)).payload, payload);
});

scenario('metrics are parsed, summed and compared', async () => {
  const before = Metrics.parse('# TYPE a_total counter\na_total{t="x",q="a\\"b"} 3\na_total{t="y"} 4\nup 1\n');
  assert.equal(before.sum('a_total'), 7);
  assert.equal(before.sum('a_total', { t: 'x' }), 3);
  const after = Metrics.parse('# TYPE a_total counter\na_total{t="x",q="a\\"b"} 2\na_total{t="y"} 5\nup 0\n');
  assert.equal(before.wentBackwards(after).length, 1);
  assert.throws(() => Metrics.parse('a_total{t=x} 1'), /malformed/);
});
