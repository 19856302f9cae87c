// The HTTP/2 on-ramp without TLS: what an honest client gets, and what becomes of one that is not. Frames that break the
// rules of RFC 9113 one by one are in tests/unit/proto/http2.
import { once } from 'node:events';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { assert, eventually, forward, h2, reverse, scenario, websocket, type JsonObject, type Kit } from '../kit/index.js';

async function open(kit: Pick<Kit, 'after'>, address: string): Promise<h2.Http2Client> {
  const client = await h2.Http2Client.open(address);
  kit.after(() => client.close());
  return client;
}

scenario('a request travels over HTTP/2 and on over HTTP/1.1', async (kit) => {
  const server = await kit.origin((_, response) => {
    response.setHeader('X-Answer', 'yes');
    response.end('hello');
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const answer = await client.ask({ ':path': '/path?q=1', 'x-question': 'maybe', cookie: ['a=1', 'b=2'] });
  assert.equal(answer.status, 200);
  assert.equal(answer.text, 'hello');
  assert.equal(answer.headers['x-answer'], 'yes');
  assert.equal(answer.headers.connection, undefined);
  const seen = server.seen[0];
  assert.equal(seen?.target, '/path?q=1');
  assert.equal(seen.headers['x-question'], 'maybe');
  assert.equal(seen.headers.host, 'web.test:80');
  assert.equal(seen.headers.cookie, 'a=1; b=2');
  const line = await proxy.log.waitFor('the request', (r) => r['event'] === 'request');
  assert.deepEqual([line['version'], line['status'], line['ended'], line['path']], ['HTTP/2', 200, 'ok', '/path?q=1']);
});

const endpoint = (name: string, http: JsonObject): JsonObject => ({ name, listen: ['127.0.0.1:0'], http, routes: [{ upstream: 'origin' }] });

scenario('an endpoint serves the versions that it is told to', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({
    config: { tenants: [{ ...reverse([server.address]), endpoints: [endpoint('old', { versions: ['http/1.1'] }), endpoint('new', { versions: ['h2'] }), endpoint('both', {})] }] },
  });
  const ask = async (name: string): Promise<number> => (await (await kit.connect(proxy.address(name))).ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status;
  assert.deepEqual([await ask('old'), await ask('new'), await ask('both')], [200, 505, 200]);
  for (const name of ['new', 'both']) assert.equal((await (await open(kit, proxy.address(name))).ask()).status, 200);
  const refused = await kit.connect(proxy.address('old'));
  await refused.send(h2.preface);
  assert.equal((await refused.readResponse()).status, 505);
  // the preface may come in pieces
  const slow = await kit.connect(proxy.address('both'));
  await slow.dribble(h2.preface);
  await slow.send(Buffer.concat([h2.frame(h2.type.settings, 0, 0), h2.get(1)]));
  await h2.until(slow, (f) => f.type === h2.type.headers && f.stream === 1);
});

scenario('a hundred requests at a time share one connection', async (kit) => {
  const server = await kit.origin((request, response) => void setTimeout(() => response.end(request.url), 20));
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const answers = await Promise.all([...Array(100).keys()].map((i) => client.ask(`/${i}`)));
  assert.deepEqual(answers.map((a) => a.text), [...Array(100).keys()].map((i) => `/${i}`));
});

scenario('bodies of any size go both ways', async (kit) => {
  const server = await kit.origin((request, response) => {
    response.setHeader('X-Framing', request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? 'none');
    request.pipe(response);
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  for (const size of [0, 1, 16_384, 65_536, 3_000_000]) {
    const body = 'x'.repeat(size);
    const known = await client.ask({ ':method': 'POST', 'content-length': size }, body);
    assert.equal(known.text.length, size);
    assert.equal(known.headers['x-framing'], String(size));
    const unknown = await client.ask({ ':method': 'POST' }, body);
    assert.equal(unknown.text.length, size);
    assert.equal(unknown.headers['x-framing'], 'chunked');
  }
  assert.equal((await client.ask({ ':method': 'POST' })).headers['x-framing'], '0');
  assert.equal((await client.ask({ ':method': 'GET' })).headers['x-framing'], 'none');
});

scenario('answers without a body have none', async (kit) => {
  const server = await kit.origin((request, response) => {
    response.writeHead(Number(request.url?.slice(1)), request.url === '/204' ? {} : { 'Content-Length': '5' });
    response.end(request.method === 'HEAD' || request.url !== '/200' ? undefined : 'hello');
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const head = await client.ask({ ':method': 'HEAD', ':path': '/200' });
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '5']);
  assert.deepEqual([(await client.ask('/204')).status, (await client.ask('/304')).status], [204, 304]);
  assert.equal((await client.ask('/200')).text, 'hello');
});

scenario('trailers and interim answers pass', async (kit) => {
  const server = await kit.origin((request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    request.resume().on('end', () => {
      response.setHeader('Trailer', 'X-Sum');
      response.setHeader('X-Seen', String(request.trailers['x-client']));
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const stream = client.request({ ':method': 'POST', te: 'trailers' }, { body: true, trailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-client': 'here' }));
  const answer = h2.readAnswer(stream);
  stream.end('upload');
  const got = await answer;
  assert.equal(got.text, 'body');
  assert.equal(got.trailers['x-sum'], '42');
  assert.equal(got.headers['x-seen'], 'here');
  assert.equal(got.interim[0]?.[':status'], 103);
});

scenario('a client that takes a request back takes it from the origin too', async (kit) => {
  let gone = false;
  const server = await kit.origin((request) => { request.on('close', () => { gone = true; }); });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const stream = client.request({ ':path': '/never' });
  stream.on('error', () => undefined);
  await eventually('the origin to be asked', () => server.seen.length === 1);
  stream.close(8);
  await eventually('the origin to be left', () => gone);
  const line = await proxy.log.waitFor('the request', (r) => r['path'] === '/never');
  assert.deepEqual([line['ended'], line['error'], line['status']], ['client', 'reset', undefined]);
  await eventually('nothing to be open', async () => (await proxy.metrics()).sum('sluice_requests_open', { tenant: 'main' }) === 0);
});

scenario('a stream that is not read holds up nobody else', async (kit) => {
  const server = await kit.origin((request, response) => { response.end('x'.repeat(request.url === '/large' ? 2_000_000 : 10)); });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  client.session.setLocalWindowSize(8_000_000);
  const unread = client.request({ ':path': '/large' });
  await once(unread, 'response');
  unread.pause();
  for (let i = 0; i < 20; i += 1) assert.equal((await client.ask('/small')).text.length, 10);
  let size = 0;
  unread.on('data', (part: Buffer) => { size += part.length; });
  unread.resume();
  await once(unread, 'end');
  assert.equal(size, 2_000_000);
});

scenario('a client that takes nothing of its answer loses the stream, and not the connection', async (kit) => {
  const server = await kit.origin((request, response) => { response.end('x'.repeat(request.url === '/large' ? 2_000_000 : 10)); });
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address], { http: { write_timeout: '200ms' } })] } });
  const client = await kit.connect(proxy.address('web'));
  // a window of 100 bytes for each stream, and no more of it
  await client.send(Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 100])), h2.get(1, '/large')]));
  await h2.until(client, (f) => f.type === h2.type.reset && f.stream === 1);
  await client.send(h2.get(3, '/small'));
  await h2.until(client, (f) => f.type === h2.type.data && f.stream === 3);
  const line = await proxy.log.waitFor('the request', (r) => r['path'] === '/large');
  assert.deepEqual([line['ended'], line['error']], ['timeout', 'timeout']);
});

scenario('limits hold for each request', async (kit) => {
  const server = await kit.origin((request, response) => { request.resume().on('end', () => response.end()); });
  const http = { head_limit: '2KiB', request_line_limit: '512B', field_limit: 20, body_limit: '1KiB' };
  const main = reverse([server.address], { http });
  const proxy = await kit.sluice({ config: { tenants: [{ ...main, endpoints: [...(main['endpoints'] as JsonObject[]), endpoint('hurried', { body_timeout: '300ms' })] }] } });
  const client = await open(kit, proxy.address('web'));
  const status = async (headers: Record<string, string>, body?: string): Promise<number> => (await client.ask(headers, body)).status;
  assert.equal(await status({ 'x-large': 'x'.repeat(3000) }), 431);
  assert.equal(await status({ ':path': `/${'x'.repeat(600)}` }), 414);
  assert.equal(await status(Object.fromEntries([...Array(30).keys()].map((i) => [`x-${i}`, 'y']))), 431);
  assert.equal(await status({ ':method': 'POST', 'content-length': '2000' }, 'x'.repeat(2000)), 413);
  assert.equal(await status({ ':method': 'POST' }, 'x'.repeat(2000)), 413);
  assert.equal(await status({ expect: 'miracles' }), 417);
  assert.equal(await status({ ':scheme': 'ftp' }), 400);
  const late = (await open(kit, proxy.address('hurried'))).request({ ':method': 'POST' }, { body: true });
  assert.equal((await h2.readAnswer(late)).status, 408);
  assert.equal(await status({}), 200);
});

scenario('hooks see the same exchange', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({
    application: 'http_firewall',
    config: { tenants: [reverse([server.address], {}, { settings: { blocked_hosts: ['ads.example'] } })] },
  });
  const client = await open(kit, proxy.address('web'));
  assert.equal((await client.ask({ ':authority': 'ads.example' })).status, 403);
  assert.equal((await client.ask({ ':authority': 'news.example' })).text, 'origin');
  assert.equal(server.seen.length, 1);
});

scenario('a forward proxy is asked over HTTP/2, also for tunnels', async (kit) => {
  const web = await kit.origin();
  const echo = await kit.scripted(async (c) => {
    for (;;) {
      const bytes = await c.reader.some();
      if (bytes === undefined) break;
      await c.send(bytes);
    }
    await c.send('bye');
  });
  const proxy = await kit.sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await open(kit, proxy.address('proxy'));
  assert.equal((await client.ask({ ':authority': web.address })).text, 'origin');
  const tunnel = client.session.request({ ':method': 'CONNECT', ':authority': echo.address }, { endStream: false });
  const [headers] = (await once(tunnel, 'response')) as [Record<string, unknown>];
  assert.equal(headers[':status'], 200);
  let back = '';
  tunnel.on('data', (part: Buffer) => { back += part.toString('latin1'); });
  const sent = 'x'.repeat(300_000);
  tunnel.write(sent);
  await eventually('the echo', () => back.length === sent.length);
  tunnel.end();  // and the other direction goes on
  await once(tunnel, 'end');
  assert.equal(back, `${sent}bye`);
  const line = await proxy.log.waitFor('the tunnel', (r) => r['event'] === 'tunnel');
  assert.deepEqual([line['bytes_in'], line['bytes_out'], line['reason']], [300_000, 300_003, 'finished']);
  assert.equal((await client.ask({ ':authority': web.address })).text, 'origin');
});

/** A WebSocket over HTTP/2 (RFC 8441). */
async function websocketOver2(client: h2.Http2Client, path: string, protocol = 'websocket'): Promise<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }> {
  if (client.session.remoteSettings.enableConnectProtocol !== true) await once(client.session, 'remoteSettings');
  const stream = client.session.request({ ':method': 'CONNECT', ':protocol': protocol, ':scheme': 'http', ':path': path, ':authority': 'web.test', 'sec-websocket-version': '13' }, { endStream: false });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { stream, headers };
}

scenario('a WebSocket over HTTP/2 is an Upgrade to the origin', async (kit) => {
  const origin = await kit.scripted(async (c) => {
    const request = await websocket.acceptUpgrade(c);
    assert.equal(request.head.get('sec-websocket-version'), '13');
    assert.match(request.head.raw, /^GET \/chat HTTP\/1\.1\r\n/);
    for (;;) {
      const bytes = await c.reader.some();
      if (bytes === undefined) break;
      await c.send(bytes);
    }
    await c.send('bye');
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([origin.address])] } });
  const client = await open(kit, proxy.address('web'));
  const { stream, headers } = await websocketOver2(client, '/chat');
  assert.equal(headers[':status'], 200);
  for (const name of ['connection', 'upgrade', 'sec-websocket-accept']) assert.equal(headers[name], undefined, name);
  let back = '';
  stream.on('data', (part: Buffer) => { back += part.toString('latin1'); });
  const sent = 'x'.repeat(200_000);
  stream.write(sent);
  await eventually('the echo', () => back.length === sent.length);
  stream.end();
  await once(stream, 'end');
  assert.equal(back, `${sent}bye`);
  const line = await proxy.log.waitFor('the tunnel', (r) => r['event'] === 'tunnel');
  assert.deepEqual([line['method'], line['path'], line['bytes_in'], line['bytes_out'], line['reason']], ['GET', '/chat', 200_000, 200_003, 'finished']);
});

scenario('an extended CONNECT that nobody agrees to is answered', async (kit) => {
  const origin = await kit.scripted(async (c) => {
    for (;;) {
      const request = await c.readRequest();
      if (request.head.raw.startsWith('GET /plain ')) await c.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else if (request.head.raw.startsWith('GET /no ')) await c.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      else await c.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: guess\r\n\r\n');
    }
  });
  const proxy = await kit.sluice({ config: { tenants: [reverse([origin.address])] } });
  const client = await open(kit, proxy.address('web'));
  const status = async (path: string, protocol = 'websocket'): Promise<unknown> => (await websocketOver2(client, path, protocol)).headers[':status'];
  assert.equal(await status('/no'), 403);
  assert.equal(await status('/wrong'), 502);
  assert.equal(await status('/plain'), 502);  // a 200 would open the tunnel
  assert.equal(await status('/', 'connect-udp'), 501);
});

scenario('a tunnel whose stream is reset looks reset to the origin', async (kit) => {
  const ends: string[] = [];
  const origin = await kit.scripted(async (c) => {
    c.socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
    c.socket.on('end', () => ends.push('end'));
    await c.send('hello');
    await eventually('the end', () => ends.length > 0);
  });
  const proxy = await kit.sluice({ config: { tenants: [forward({ connect: { ports: [] } })] } });
  // by hand: Node ends a stream before it resets it
  const client = await kit.connect(proxy.address('proxy'));
  const connect = h2.frame(h2.type.headers, 4, 1, h2.block([[':method', 'CONNECT'], [':authority', origin.address]]));
  await client.send(Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.settings, 0, 0), connect]));
  await h2.until(client, (f) => f.type === h2.type.data);
  await client.send(h2.frame(h2.type.reset, 0, 1, Buffer.from([0, 0, 0, 8])));
  await eventually('the reset', () => ends.length > 0);
  assert.deepEqual(ends, ['ECONNRESET']);
});

scenario('floods end the connection, are logged and counted', async (kit) => {
  const server = await kit.origin(() => undefined);
  const proxy = await kit.sluice({ config: { tenants: [reverse([server.address])] } });
  const attacker = await kit.connect(proxy.address('web'));
  const reset = (stream: number): Buffer => h2.frame(h2.type.reset, 0, stream, Buffer.from([0, 0, 0, 8]));
  const frames = [...Array(1000).keys()].flatMap((i) => [h2.get(2 * i + 1), reset(2 * i + 1)]);
  await attacker.send(Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.settings, 0, 0), ...frames]));
  const seen = await h2.until(attacker, (f) => f.type === h2.type.goaway);
  assert.equal(seen.at(-1)?.payload.readUInt32BE(4), 11);
  const line = await proxy.log.waitFor('the flood', (r) => r['event'] === 'connection ended');
  assert.equal(line['flood'], 'resets');
  await eventually('the count', async () => (await proxy.metrics()).sum('sluice_http2_floods_total', { cause: 'resets' }) === 1);
  assert.equal((await open(kit, proxy.address('web'))).session.destroyed, false);
});

scenario('a connection that idles, or never finishes its fields, is ended', async (kit) => {
  const server = await kit.origin();
  const proxy = await kit.sluice({ config: { tenants: [{ ...reverse([server.address]), endpoints: [endpoint('idle', { keepalive_timeout: '300ms' }), endpoint('slow', { head_timeout: '1500ms' })] }] } });
  const client = await open(kit, proxy.address('idle'));
  assert.equal((await client.ask()).status, 200);
  await eventually('the end', () => client.closed);
  assert.deepEqual(client.goaways.map((g) => g.code), [0]);
  const slow = await kit.connect(proxy.address('slow'));
  await slow.send(Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.settings, 0, 0), h2.frame(h2.type.headers, 1, 1, h2.block([['x', 'y']]))]));
  const seen = await h2.until(slow, (f) => f.type === h2.type.goaway);
  assert.equal(seen.at(-1)?.payload.readUInt32BE(4), 11);
});

scenario('an upgrade says goodbye in two steps and loses nothing', async (kit) => {
  let finish = (): void => undefined;
  const server = await kit.origin((request, response) => {
    if (request.url === '/slow') finish = () => void response.end('late');
    else response.end('origin');
  });
  const upgrade = { probation: '0s', drain: { idle: '2s', request: '20s', upload: '20s', tunnel: '20s' } };
  const proxy = await kit.sluice({ config: { upgrade, tenants: [reverse([server.address])] } });
  const client = await open(kit, proxy.address('web'));
  const idle = await open(kit, proxy.address('web'));
  assert.equal((await idle.ask()).text, 'origin');
  const slow = client.ask('/slow');
  await eventually('the origin to be asked', () => server.seen.some((r) => r.target === '/slow'));
  const upgraded = proxy.upgrade({ force: true });
  upgraded.catch(() => undefined);
  await eventually('both GOAWAYs', () => client.goaways.length === 2 && idle.goaways.length >= 1);
  assert.equal(client.goaways[0]?.last, 2 ** 31 - 1);
  assert.equal(client.goaways[1]?.last, 1);
  assert.deepEqual(client.goaways.map((g) => g.code), [0, 0]);
  finish();
  assert.equal((await slow).text, 'late');
  const record = await upgraded;
  assert.equal(record['outcome'], 'done');
  const ledger = record['ledger'] as JsonObject as Record<string, Record<string, number>>;
  for (const kind of ['connections', 'requests', 'tunnels']) {
    assert.equal(ledger[kind]?.['unexplained'], 0, kind);
    assert.equal(ledger[kind]?.['cut'], 0, kind);
  }
  assert.equal(ledger['requests']?.['finished'], 1);
  await eventually('both connections to end', () => client.closed && idle.closed);
  assert.equal((await (await open(kit, proxy.address('web'))).ask()).text, 'origin');
});
