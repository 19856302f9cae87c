// The example applications: a hook decides, the worker does.
import { assert, connectThrough, forward, reverse, scenario } from '../kit/index.js';

/// [example]
scenario('http_firewall answers requests for blocked hosts itself', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    application: 'http_firewall',
    config: { tenants: [reverse([server.address], {}, { settings: { blocked_hosts: ['ads.example'] } })] },
  });
  const client = await connect(proxy.address('web'));
  assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: ads.example\r\n\r\n')).status, 403);
  assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: ADS.example:80\r\n\r\n')).status, 403);
  assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: news.example\r\n\r\n')).text, 'origin');
  assert.equal(server.seen.length, 1);
});
/// [example]

scenario('http_firewall looks at paths and at tunnels too', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ application: 'http_firewall', config: { tenants: [forward({ connect: { ports: [] } })] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await client.ask(`GET http://${server.address}/.git/config HTTP/1.1\r\nHost: ${server.address}\r\n\r\n`)).status, 403);
  assert.equal((await client.ask(`GET http://${server.address}/git HTTP/1.1\r\nHost: ${server.address}\r\n\r\n`)).status, 200);
  const tunnel = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(tunnel, 'ads.example:443')).status, 403);
});

scenario('settings that the application does not know are refused at the start', async ({ sluice, origin }) => {
  const server = await origin();
  const tenant = reverse([server.address], {}, { settings: { blocked_host: [] } });
  await assert.rejects(sluice({ application: 'http_firewall', config: { tenants: [tenant] } }), /ended with 2[^]*blocked_host/);
});

scenario('a hook that answers does not lose the rest of the request', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({
    application: 'http_firewall',
    config: { tenants: [reverse([server.address], {}, { settings: { blocked_hosts: ['ads.example'] } })] },
  });
  const client = await connect(proxy.address('web'));
  await client.send('POST / HTTP/1.1\r\nHost: ads.example\r\nContent-Length: 26\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n');
  assert.equal((await client.readResponse()).status, 403);
  const next = await client.ask('GET /next HTTP/1.1\r\nHost: news.example\r\n\r\n').catch(() => undefined);
  assert.ok(next === undefined || next.status === 200, 'either closed or in step');
  assert.ok(!server.seen.some((s) => s.target === '/smuggled'));
});

scenario('egress_guard lets only holders of the key reach private addresses', async ({ sluice, scripted, connect }) => {
  const server = await scripted(async (c) => void (await c.send('inside')));
  const proxy = await sluice({
    application: 'egress_guard',
    config: { tenants: [forward({ connect: { ports: [] } }, { egress: { allow_private: false }, settings: { key: 'sesame' } })] },
  });
  const stranger = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(stranger, server.address)).status, 403);
  const liar = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(liar, server.address, ['Proxy-Authorization: Bearer sesam'])).status, 403);
  const friend = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(friend, server.address, ['Proxy-Authorization: Bearer sesame'])).status, 200);
  assert.equal((await friend.reader.toEnd()).toString(), 'inside');
  assert.equal(server.accepted, 1);
});
