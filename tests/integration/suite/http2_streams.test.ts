// Streams of the HTTP/2 on-ramp under hard conditions: uploads that are slow or torn, windows that hardly open, tunnels that
// fill theirs, frames that never end.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, eventually, forward, h2, reverse, scenario, type Kit } from '../kit/index.js';

async function open(kit: Pick<Kit, 'after'>, address: string): Promise<h2.Http2Client> {
  const client = await h2.Http2Client.open(address);
  kit.after(() => client.close());
  return client;
}

const opening = (settings: readonly number[] = []): Buffer =>
  Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.settings, 0, 0, Buffer.from(settings))]);
const post = (stream: number, path = '/'): Buffer =>
  h2.frame(h2.type.headers, 4, stream, h2.block([[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'web.test']]));

scenario('an upload may take longer than the longest pause in it', async (kit) => {
  let size = 0;
  const server = await kit.origin((request, response) => {
    request.on('data', (part: Buffer) => { size += part.length; });
    request.on('end', () => response.end());
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], { http: { body_timeout: '1s', body_min_rate: '100B' } })] } });
  const upload = (await open(kit, proxy.address('web'))).request({ ':method': 'POST' }, { body: true });
  const answer = h2.readAnswer(upload);
  for (let i = 0; i < 16; i += 1) {
    upload.write('x'.repeat(1000));
    await sleep(100);
  }
  upload.end();
  assert.equal((await answer).status, 200);
  assert.equal(size, 16_000);
});

scenario('an upload that is stopped by an early answer never looks whole to the origin', async (kit) => {
  let begun = 0;
  let whole = 0;
  const server = await kit.origin((request, response) => {
    begun += 1;
    request.on('error', () => undefined);
    request.resume().on('end', () => { if (request.complete) whole += 1; });
    response.end('early');
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await kit.connect(proxy.address('web'));
  await client.send(opening());
  for (let i = 0; i < 40; i += 1) {
    const stream = 2 * i + 1;
    // bytes keep coming until the stream is reset, and its end is never said
    await client.send(Buffer.concat([post(stream), h2.frame(h2.type.data, 0, stream, 'x'.repeat(1000))]));
    await client.send(h2.frame(h2.type.data, 0, stream, 'y'.repeat(1000)));
    await h2.until(client, (f) => f.type === h2.type.reset && f.stream === stream);
  }
  assert.equal(begun, 40);
  assert.equal(whole, 0);
});

scenario('bytes that trickle through the window of the connection do not keep streams for ever', async (kit) => {
  const server = await kit.origin((_, response) => response.end('x'.repeat(2_000_000)));
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], { http: { write_timeout: '500ms', write_min_rate: '1KiB' } })] } });
  const client = await kit.connect(proxy.address('web'));
  // windows without end for the streams, and hardly one for them all
  await client.send(Buffer.concat([opening([0, 4, 0x7f, 0xff, 0xff, 0xff]), h2.get(1), h2.get(3)]));
  let over = false;
  const trickle = (async (): Promise<void> => {
    while (!over) {
      await client.send(h2.frame(h2.type.window, 0, 0, Buffer.from([0, 0, 0, 1]))).catch(() => undefined);
      await sleep(100);
    }
  })();
  await h2.until(client, (f) => f.type === h2.type.reset);
  over = true;
  await trickle;
});

scenario('a tunnel goes on after a burst that fills its window', async (kit) => {
  let size = 0;
  const sink = await kit.scripted(async (c) => {
    for (;;) {
      const bytes = await c.reader.some();
      if (bytes === undefined) return;
      size += bytes.length;
    }
  });
  const proxy = await kit.sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  const tunnel = (await open(kit, proxy.address('proxy'))).session.request({ ':method': 'CONNECT', ':authority': sink.address }, { endStream: false });
  await once(tunnel, 'response');
  for (let i = 1; i <= 5; i += 1) {
    tunnel.write('x'.repeat(65_536));
    await eventually(`burst ${i}`, () => size === i * 65_536);
  }
});

scenario('fields that stop short of their frame have no longer than others', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], { http: { head_timeout: '500ms' } })] } });
  const client = await kit.connect(proxy.address('web'));
  await client.send(Buffer.concat([opening(), h2.get(1).subarray(0, -1)]));
  const seen = await h2.until(client, (f) => f.type === h2.type.goaway);
  assert.equal(seen.at(-1)?.payload.readUInt32BE(4), 11);
});

scenario('answers that origins cut are not held against the client', async (kit) => {
  const server = await kit.scripted(async (c) => {
    await c.reader.some();
    await c.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  for (let i = 0; i < 6; i += 1)
    await Promise.all([...Array(50).keys()].map(() => assert.rejects(client.ask(), /reset|INTERNAL/)));
  assert.deepEqual(client.goaways, []);
});

scenario('requests that are refused for what they are have a budget', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await kit.connect(proxy.address('web'));
  const path = `/${'x'.repeat(120)}`;
  const long = (stream: number): Buffer =>
    h2.frame(h2.type.headers, 5, stream, h2.block([[':method', 'GET'], [':scheme', 'http'], [':authority', 'web.test'], [':path', path], ['expect', 'miracles']]));
  await client.send(opening());
  const seen = h2.until(client, (f) => f.type === h2.type.goaway);
  for (let i = 0; i < 30; i += 1) await client.send(Buffer.concat([...Array(10).keys()].map((k) => long(2 * (10 * i + k) + 1)))).catch(() => undefined);
  assert.equal((await seen).at(-1)?.payload.readUInt32BE(4), 11);
});
