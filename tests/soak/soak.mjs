// The measurements of tests/soak/run. Sluice is started by the integration kit; origin and clients are processes of their
// own, because one process may not have as many descriptors as there are connections, and to keep the clocks apart.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectSocket, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Sluice, descriptorCount, eventually, reverse, sleep } from '../integration/dist/kit/index.js';

const get = 'GET / HTTP/1.1\r\nHost: soak.test\r\n\r\n';
const megabyte = 1 << 20;
const mib = (bytes) => `${(bytes / megabyte).toFixed(1)} MiB`;

function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`);
}

/** Resident and proportional bytes of some processes together. */
function memory(pids) {
  const sum = { rss: 0, pss: 0 };
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    sum.rss += Number(/^Rss: +(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
    sum.pss += Number(/^Pss: +(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return sum;
}

/** Another process of this file in a role; `ask` sends it a message and waits for its answer. */
function helper(role, ...args) {
  const child = fork(fileURLToPath(import.meta.url), [role, ...args.map(String)]);
  const answer = () => new Promise((done, fail) => {
    child.once('message', done);
    child.once('exit', (code) => fail(new Error(`${role} ended with ${code}`)));
  });
  return { ready: answer(), ask: (message) => { child.send(message); return answer(); }, stop: () => child.kill('SIGKILL') };
}

/** Runs `body` on a Sluice; it must end with status 0 and leave nothing, which finish() looks at. */
async function withSluice(tenant, body) {
  const sluice = await Sluice.launch({ config: { tenants: [tenant] } });
  try {
    await sluice.waitUntilReady();
    const pids = (await sluice.workers('main')).map((w) => w.pid);
    await body(sluice, pids);
  } finally {
    await sluice.finish();
  }
}

// --- helpers' roles -----------------------------------------------------------------------------------------------

const roles = {
  /** Answers every request with one body of so many bytes. */
  async 'big-origin'(bytes) {
    const block = Buffer.alloc(megabyte);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        let left = Number(bytes);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left}\r\n\r\n`);
        const more = () => {
          for (let open = true; open && left > 0;) {
            const size = Math.min(left, block.length);
            left -= size;
            open = socket.write(block.subarray(0, size));
          }
        };
        socket.on('drain', more);
        more();
      });
    });
    server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  },

  async 'small-origin'() {
    const server = createHttpServer((_, response) => response.end('soak'));
    server.keepAliveTimeout = 600_000;
    server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  },

  /** Holds connections that have asked once; told to, asks on each again and says how many answered. */
  async holder(address, from, count) {
    const sockets = [];
    const answered = (socket) => new Promise((done, fail) => {
      let text = '';
      const take = (bytes) => {
        text += bytes.toString('latin1');
        if (text.endsWith('soak')) { socket.off('data', take); done(); }
      };
      socket.on('data', take);
      socket.once('close', () => fail(new Error('closed')));
      socket.write(get);
    });
    const [host, port] = address.split(':');
    const open = async () => {
      const socket = connectSocket({ host, port: Number(port), localAddress: from });
      socket.on('error', () => undefined);
      socket.setMaxListeners(0);
      sockets.push(socket);
      await answered(socket);
    };
    for (let left = Number(count); left > 0; left -= 50) await Promise.all(Array.from({ length: Math.min(left, 50) }, open));
    process.on('message', async () => {
      let fine = 0;
      for (const socket of sockets) await answered(socket).then(() => { fine += 1; }, () => undefined);
      process.send(fine);
    });
    process.send(sockets.length);
  },

  /** Short connections: asked and closed, left in the middle of a head, left before the answer; closed or reset. */
  async passer(address, from, count) {
    const [host, port] = address.split(':');
    const one = (i) => new Promise((done) => {
      const socket = connectSocket({ host, port: Number(port), localAddress: from });
      const leave = () => (i % 3 === 0 ? socket.end() : socket.resetAndDestroy());
      socket.on('error', () => undefined);
      socket.on('close', done);
      socket.on('data', leave);
      socket.on('connect', () => {
        if (i % 4 === 0) socket.write('GET / HTT', leave);
        else if (i % 4 === 1) socket.write(get, leave);
        else socket.write(get);
      });
    });
    process.on('message', async () => {
      let next = 0;
      const lane = async () => { while (next < Number(count)) { next += 1; await one(next); } };
      await Promise.all(Array.from({ length: 20 }, lane));
      process.send(next);
    });
    process.send('ready');
  },
};

// --- measurements -------------------------------------------------------------------------------------------------

async function slowReader(gigabytes = 10) {
  const total = Number(gigabytes) * 1e9;
  const perSecond = 64e6;
  const origin = helper('big-origin', total);
  const port = await origin.ready;
  try {
    await withSluice(reverse([`127.0.0.1:${port}`]), async (sluice, pids) => {
      const [host, to] = sluice.address('web').split(':');
      const before = memory(pids);
      let peak = before.rss;
      const watch = setInterval(() => { peak = Math.max(peak, memory(pids).rss); }, 100);
      const start = Date.now();
      let received = 0;
      await new Promise((done, fail) => {
        const socket = connectSocket({ host, port: Number(to) }, () => socket.write(get));
        socket.on('error', fail);
        socket.on('data', (bytes) => {
          received += bytes.length;
          if (received >= total) { socket.destroy(); done(); return; }
          const early = received / perSecond * 1000 - (Date.now() - start);
          if (early > 5) { socket.pause(); setTimeout(() => socket.resume(), early); }
        });
        socket.on('close', () => (received >= total ? done() : fail(new Error(`closed after ${received} bytes`))));
      });
      clearInterval(watch);
      table([
        ['bytes through a slow reader', `${(received / 1e9).toFixed(1)} GB in ${((Date.now() - start) / 1000).toFixed(0)} s`],
        ['memory of the worker before', mib(before.rss)],
        ['at its peak', `${mib(peak)} (${mib(peak - before.rss)} more)`],
      ]);
      assert.ok(peak - before.rss < 16 * megabyte, 'the worker must not gather what the reader does not take');
    });
  } finally {
    origin.stop();
  }
}

async function idle(count = 20_000) {
  const origin = helper('small-origin');
  const port = await origin.ready;
  const holders = [];
  try {
    const times = { keepalive_timeout: '30m', head_timeout: '30m' };
    await withSluice(reverse([`127.0.0.1:${port}`], { http: times }, { workers: 2 }), async (sluice, pids) => {
      const address = sluice.address('web');
      const warm = helper('holder', address, '127.0.0.9', 200);
      holders.push(warm);
      await warm.ready;
      const before = memory(pids);
      for (let i = 0; i < 4; i += 1) holders.push(helper('holder', address, `127.0.0.${10 + i}`, Math.floor(Number(count) / 4)));
      const opened = (await Promise.all(holders.slice(1).map((h) => h.ready))).reduce((a, b) => a + b, 0);
      await sleep(2000);
      const after = memory(pids);
      const open = pids.map((pid) => descriptorCount(pid));
      const fine = (await Promise.all(holders.slice(1).map((h) => h.ask('again')))).reduce((a, b) => a + b, 0);
      const each = { rss: (after.rss - before.rss) / opened, pss: (after.pss - before.pss) / opened };
      table([
        ['idle connections', `${opened} over ${pids.length} workers (descriptors: ${open.join(', ')})`],
        ['memory of the workers', `${mib(before.rss)} before, ${mib(after.rss)} with them`],
        ['for each connection', `${each.rss.toFixed(0)} bytes resident, ${each.pss.toFixed(0)} proportional`],
        ['answered when asked again', String(fine)],
      ]);
      assert.equal(fine, opened);
      assert.ok(each.rss < 6 * 1024, 'an idle connection holds no buffer');
    });
  } finally {
    for (const one of holders) one.stop();
    origin.stop();
  }
}

async function connections(count = 100_000) {
  const origin = helper('small-origin');
  const port = await origin.ready;
  const passers = [];
  try {
    await withSluice(reverse([`127.0.0.1:${port}`]), async (sluice, pids) => {
      const address = sluice.address('web');
      const round = async (each) => {
        const these = Array.from({ length: 5 }, (_, i) => helper('passer', address, `127.0.0.${20 + i}`, each));
        passers.push(...these);
        await Promise.all(these.map((p) => p.ready));
        const made = (await Promise.all(these.map((p) => p.ask('go')))).reduce((a, b) => a + b, 0);
        these.forEach((p) => p.stop());
        return made;
      };
      await round(400);
      await sleep(1000);
      const before = { memory: memory(pids), descriptors: sluice.descriptors() };
      const start = Date.now();
      const made = await round(Number(count) / 5);
      const seconds = (Date.now() - start) / 1000;
      const settled = await eventually('the descriptors being closed', () => {
        const now = sluice.descriptors();
        return now <= before.descriptors + 8 ? { now } : undefined;  // pooled origin connections may differ by a few
      }, 10_000).catch(() => ({ now: sluice.descriptors() }));
      const after = memory(pids);
      table([
        ['connections come and gone', `${made} in ${seconds.toFixed(0)} s`],
        ['descriptors of all processes', `${before.descriptors} before, ${settled.now} after`],
        ['memory of the worker', `${mib(before.memory.rss)} before, ${mib(after.rss)} after`],
      ]);
      assert.ok(settled.now <= before.descriptors + 8, 'descriptors stayed open');
      assert.ok(after.rss - before.memory.rss < 8 * megabyte, 'memory was not given back');
    });
  } finally {
    for (const one of passers) one.stop();
    origin.stop();
  }
}

const measurements = { 'slow-reader': slowReader, idle, connections };
const [what, ...args] = process.argv.slice(2);
if (roles[what] !== undefined) {
  process.on('disconnect', () => process.exit());
  await roles[what](...args);
} else {
  console.log(what);
  await measurements[what](...args);
  console.log('  sluice ended with status 0, no process stayed, no coroutine frame was left');
}
