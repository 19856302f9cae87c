// Tunnels: CONNECT and upgraded connections carry bytes both ways, end by halves and never run ahead of the reader.
import { assert, connectThrough, eventually, forward, reverse, scenario, sleep, websocket, type JsonObject } from '../kit/index.js';

const tunnels = (tunnel: JsonObject = {}): JsonObject => forward({ connect: { ports: [] }, tunnel });

scenario('CONNECT carries bytes both ways', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    for (;;) {
      const bytes = await c.reader.some();
      if (bytes === undefined) return;
      await c.send(bytes);
    }
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  const response = await connectThrough(client, server.address);
  assert.equal(response.status, 200);
  assert.equal(response.head.get('content-length'), undefined);
  assert.equal(response.head.get('transfer-encoding'), undefined);
  for (const text of ['a', 'hello', 'x'.repeat(100_000)]) {
    const back = client.reader.exactly(text.length);
    await client.send(text);
    assert.equal((await back).toString(), text);
  }
});

scenario('bytes that come together with the CONNECT are not lost', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.send(`got ${(await c.reader.exactly(5)).toString()}`);
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  await client.send(`CONNECT ${server.address} HTTP/1.1\r\nHost: ${server.address}\r\n\r\nearly`);
  assert.equal((await client.readResponse('CONNECT')).status, 200);
  assert.equal((await client.reader.toEnd()).toString(), 'got early');
});

scenario('an origin that speaks first is heard', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.send('220 hello\r\n');
    await c.reader.toEnd();
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  assert.equal((await client.reader.until('\r\n')).toString(), '220 hello\r\n');
});

for (const first of ['client', 'origin'] as const) {
  scenario(`half-close by the ${first}: the other direction goes on`, async ({ sluice, scripted, connect }) => {
    const server = await scripted(async (c) => {
      if (first === 'client') {
        const got = (await c.reader.toEnd()).toString();
        await sleep(100);
        await c.send(`after your end: ${got}`);
      } else {
        await c.send('origin is done');
        await c.end();
        assert.equal((await c.reader.toEnd()).toString(), 'client goes on');
      }
    });
    const proxy = await sluice({ config: { tenants: [tunnels()] } });
    const client = await connect(proxy.address('proxy'));
    await connectThrough(client, server.address);
    if (first === 'client') {
      await client.send('bye');
      await client.end();
      assert.equal((await client.reader.toEnd()).toString(), 'after your end: bye');
    } else {
      assert.equal((await client.reader.toEnd()).toString(), 'origin is done');
      await sleep(100);
      await client.send('client goes on');
      await client.end();
      await eventually('the origin being done', () => server.open === 0);
    }
  });
}

scenario('a reset by the origin reaches the client', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.reader.exactly(1);
    c.reset();
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  await client.send('x');
  assert.equal(await client.reader.closed(), 'reset');
});

scenario('a reader that stops holds the sender back, and every byte arrives in the end', async ({ sluice, scripted, connect }) => {
  const blocks = 64;
  let sent = 0;
  const server = await scripted(async (c) => {
    const block = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < blocks; i += 1) {
      await c.send(block);
      sent += 1;
    }
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  await sleep(500);
  assert.ok(sent < 40, `${sent} of ${blocks} MiB left the origin for a client that reads nothing`);
  assert.equal(await client.reader.countToEnd(), blocks << 20);
});

scenario('the access log counts the bytes of a tunnel exactly', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    assert.equal((await c.reader.toEnd()).length, 12_345);
    await c.send('y'.repeat(54_321));
  });
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  await client.send('x'.repeat(12_345));
  await client.end();
  assert.equal((await client.reader.toEnd()).length, 54_321);
  const record = await proxy.log.waitFor('the tunnel\'s access record', (r) => r['event'] === 'tunnel');
  assert.equal(record['bytes_in'], 12_345);
  assert.equal(record['bytes_out'], 54_321);
});

scenario('a silent tunnel is closed after its idle time', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.closed()));
  const proxy = await sluice({ config: { tenants: [tunnels({ idle_timeout: '300ms' })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const since = Date.now();
  await client.reader.closed();
  assert.ok(Date.now() - since >= 250);
});

scenario('a tunnel that lives long enough is cut at its total time', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    while ((await c.reader.some()) !== undefined) continue;
  });
  const proxy = await sluice({ config: { tenants: [tunnels({ total_timeout: '1s' })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  const since = Date.now();
  const closed = client.reader.closed().then(() => 'closed');
  let state = 'open';
  void closed.then((s) => { state = s; });
  while (state === 'open' && Date.now() - since < 4000) {
    await client.send('x').catch(() => undefined);
    await sleep(50);
  }
  assert.equal(state, 'closed');
  assert.ok(Date.now() - since >= 900);
});

scenario('a half-closed tunnel is not kept for ever', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    await c.reader.toEnd();
    await c.reader.closed();
    await sleep(3000);
  });
  const proxy = await sluice({ config: { tenants: [tunnels({ half_close_timeout: '300ms' })] } });
  const client = await connect(proxy.address('proxy'));
  await connectThrough(client, server.address);
  await client.end();
  const since = Date.now();
  await client.reader.closed();
  assert.ok(Date.now() - since < 2500, 'closed only when the origin was');
});

scenario('an origin that cannot be reached is told before the tunnel opens', async ({ sluice, origin, connect }) => {
  const gone = await origin();
  const address = gone.address;
  await gone.close();
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(client, address)).status, 502);
});

scenario('a WebSocket passes through a reverse proxy', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => {
    const request = await websocket.acceptUpgrade(c);
    assert.equal(request.target, '/chat');
    for (;;) {
      const frame = await websocket.readFrame(c);
      await c.send(websocket.encodeFrame(frame.opcode, frame.payload, 'plain'));
      if (frame.opcode === websocket.opcodes.close) return;
    }
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await websocket.upgrade(client, 'web.test', '/chat')).status, 101);
  for (const size of [0, 5, 300, 70_000]) {
    await client.send(websocket.encodeFrame(websocket.opcodes.binary, Buffer.alloc(size, 3), 'masked'));
    assert.equal((await websocket.readFrame(client)).payload.length, size);
  }
  await client.send(websocket.encodeFrame(websocket.opcodes.close, '', 'masked'));
  assert.equal((await websocket.readFrame(client)).opcode, websocket.opcodes.close);
  assert.equal(await client.reader.closed(), 'end');
});

scenario('an origin that declines the upgrade answers as usual, and the connection is closed behind it', async ({ sluice, origin, connect }) => {
  const server = await origin((_, response) => {
    response.statusCode = 426;
    response.end('no');
  });
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  assert.equal((await websocket.upgrade(client, 'web.test')).status, 426);
  // RFC 9931: what follows may be the other protocol's bytes, never to be read as a request
  await client.reader.toEnd();
});

scenario('many tunnels leave no descriptor behind', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.reader.toEnd()));
  const proxy = await sluice({ config: { tenants: [tunnels()] } });
  const before = proxy.descriptors();
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const client = await connect(proxy.address('proxy'));
      await connectThrough(client, server.address);
      await client.send('x');
      if (i % 3 === 0) client.reset();
      else if (i % 3 === 1) client.close();
      else await client.end();
    }));
  }
  await eventually('the tunnels closing', () => server.open === 0);
  await eventually('the descriptors being closed', () => proxy.descriptors() <= before + 2);
});
