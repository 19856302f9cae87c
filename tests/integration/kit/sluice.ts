// Sluice: one running supervisor with its workers, started from a configuration object in a folder of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { merge } from './config.js';
import { connect, type Address } from './connection.js';
import { control } from './control.js';
import { Log, type JsonObject } from './log.js';
import { Metrics } from './metrics.js';
import { readResponse } from './http.js';
import { descendants, descriptorCount, isAlive, type Process } from './processes.js';
import { managerScript, type ManagerMode } from './service_manager.js';
import { eventually, sleep, within } from './wait.js';

/** Where the binaries are; tests/run says it, by hand it is the dev build. */
export const binaries = process.env['SLUICE_BIN_DIR'] ?? fileURLToPath(new URL('../../../../build/dev/bin', import.meta.url));

export interface SluiceOptions {
  /** What differs from the defaults; the kit adds the control socket and the admin's port. Listen on port 0 and ask `address()`. */
  readonly config: JsonObject;
  /** The application's binary; without it the stock proxy. */
  readonly application?: string;
  /** `expected` where the test kills workers, `attacks` where workers break the rules too; otherwise one that dies fails the test. */
  readonly crashes?: 'expected' | 'attacks';
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  /** Starts a copy of `sluice` of its own, which `replaceProgram` may put something else in the place of. */
  readonly ownProgram?: boolean;
  /** Runs under a service manager with a descriptor store, which starts it again when it is killed. */
  readonly manager?: ManagerMode;
  /** Starts where another one was, with its configuration. */
  readonly after?: Sluice;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of Sluice's programs to its end. */
export async function runProgram(
  name: string, args: readonly string[], { env = {}, folder }: { env?: NodeJS.ProcessEnv; folder?: string } = {},
): Promise<Outcome> {
  const child = spawn(join(binaries, name), args, {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...(folder === undefined ? {} : { cwd: folder }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  try {
    return await within(30_000, `${name} ${args.join(' ')}`, new Promise<Outcome>((done, fail) => {
      child.on('error', fail);
      child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    }));
  } finally {
    child.kill('SIGKILL');
  }
}

export class Sluice {
  private exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  private readonly family = new Map<number, Process>();
  private addresses = new Map<string, Address[]>();

  private constructor(private readonly child: ChildProcess, readonly log: Log, readonly folder: string, private readonly crashes: 'expected' | 'attacks' | 'none') {
    child.on('exit', (code, signal) => { this.exit = { code, signal }; });
  }

  static async launch(options: SluiceOptions): Promise<Sluice> {
    const folder = options.after?.folder ?? mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const config = merge({
      control: { path: join(folder, 'control.sock') },
      log: { format: 'json' },
      admin: { listen: ['127.0.0.1:0'] },
      ...(options.application === undefined ? {} : { application: { program: join(binaries, options.application) } }),
    }, options.config);
    const file = join(folder, 'sluice.json');
    if (options.after === undefined) writeFileSync(file, JSON.stringify(config, null, 2));
    const folderOfPrograms = options.ownProgram === true ? ownPrograms(folder) : binaries;
    const command = [join(folderOfPrograms, 'sluice'), '-c', file, ...(options.args ?? [])];
    if (options.manager !== undefined) {
      writeFileSync(join(folder, 'manager.py'), managerScript);
      command.unshift('/usr/bin/python3', join(folder, 'manager.py'), options.manager, join(folder, 'notify.sock'));
    }
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: folder,
      // a signal stays a signal in sanitized builds: tests look at how processes die
      env: { ASAN_OPTIONS: 'handle_segv=0', ...process.env, SLUICE_BUGS_ARE_FATAL: '1', ...options.env },
    });
    await new Promise<void>((done, fail) => {
      child.on('spawn', done);
      child.on('error', fail);
    });
    return new Sluice(child, new Log(child.stderr), folder, options.crashes ?? 'none');
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get controlPath(): string {
    return join(this.folder, 'control.sock');
  }

  get configPath(): string {
    return join(this.folder, 'sluice.json');
  }

  /** Waits until every worker is ready, and learns the addresses. */
  async waitUntilReady(): Promise<void> {
    const how = await eventually('sluice being ready', async () => {
      if (this.exit !== undefined) return 'ended';
      const status = await this.status();
      if (status['ready'] !== true) return undefined;
      this.learnAddresses(status);
      return 'ready';
    }, 15_000);
    if (how === 'ended') {
      await sleep(50);  // its last words may still be on their way
      throw new Error(`sluice ended with ${this.exit?.code ?? this.exit?.signal}\n${this.log.tail()}`);
    }
    this.remember();
  }

  private learnAddresses(status: JsonObject): void {
    this.addresses = new Map();
    for (const listener of status['listeners'] as JsonObject[]) {
      const key = `${String(listener['tenant'])}/${String(listener['endpoint'])}`;
      const known = this.addresses.get(key) ?? [];
      if (!known.includes(String(listener['address']))) this.addresses.set(key, [...known, String(listener['address'])]);
    }
  }

  /** The first bound address of an endpoint: `endpoint` or, when two tenants name theirs alike, `tenant/endpoint`. */
  address(endpoint: string): Address {
    return this.addressesOf(endpoint)[0] ?? '';
  }

  /** All of them, in the order of `listen`. */
  addressesOf(endpoint: string): readonly Address[] {
    for (const [key, addresses] of this.addresses) {
      if (key === endpoint || key.endsWith(`/${endpoint}`)) return addresses;
    }
    throw new Error(`no endpoint ${endpoint} among ${[...this.addresses.keys()].join(', ')}`);
  }

  /** The workers of a tenant as `sluicectl workers` has them; the admin process belongs to the tenant `sluice`. */
  async workers(tenant: string): Promise<JsonObject[]> {
    const { result } = await control(this.controlPath, 'workers');
    return (result['workers'] as JsonObject[]).filter((w) => w['tenant'] === tenant);
  }

  /** The process of the tenant's first worker, once it is ready. */
  async workerPid(tenant: string): Promise<number | undefined> {
    const worker = (await this.workers(tenant))[0];
    return worker?.['state'] === 'ready' ? worker['pid'] as number : undefined;
  }

  async status(): Promise<JsonObject> {
    return (await control(this.controlPath, 'status')).result;
  }

  /** Runs `sluicectl` against this instance. */
  async ctl(...args: string[]): Promise<Outcome> {
    return runProgram('sluicectl', ['--socket', this.controlPath, ...args]);
  }

  /** Changes the configuration file; nothing happens before an upgrade. */
  reconfigure(change: (config: JsonObject) => void): void {
    const config = JSON.parse(readFileSync(this.configPath, 'utf8')) as JsonObject;
    change(config);
    writeFileSync(this.configPath, JSON.stringify(config, null, 2));
  }

  /** The file that `sluice` was started from, with `ownProgram`. */
  get programPath(): string {
    return join(this.folder, 'bin', 'sluice');
  }

  /** Puts a file in the place of the supervisor's program, as package managers do: another copy of `sluice`, unless `make` writes something else. */
  replaceProgram(make: (path: string) => void = (path) => { copyFileSync(join(binaries, 'sluice'), path); }, mode = 0o755): void {
    const next = `${this.programPath}.new`;
    make(next);
    chmodSync(next, mode);
    renameSync(next, this.programPath);
  }

  /** Asks for an upgrade and waits as far as `until` says, as `sluicectl upgrade` does; its record. */
  async upgrade(parameters: JsonObject = {}): Promise<JsonObject> {
    this.remember();
    const { result } = await control(this.controlPath, 'upgrade', parameters);
    const status = await this.status();
    this.learnAddresses(status);
    this.remember();
    return result;
  }

  async metrics(): Promise<Metrics> {
    const connection = await connect(this.address('admin'));
    try {
      await connection.send('GET /metrics HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n');
      const response = await readResponse(connection.reader);
      if (response.status !== 200) throw new Error(`/metrics answered ${response.status}: ${response.text}`);
      return Metrics.parse(response.text);
    } finally {
      connection.close();
    }
  }

  /** Notes the processes alive now, so that `finish` can see whether one stayed behind. */
  private remember(): Process[] {
    const now = descendants(this.pid);
    for (const process of now) this.family.set(process.pid, process);
    return now;
  }

  /** Open descriptors of the supervisor and its children together, as far as we may look. */
  descriptors(): number {
    return [this.pid, ...this.remember().map((p) => p.pid)].reduce((sum, pid) => sum + (descriptorCount(pid) ?? 0), 0);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  get ended(): boolean {
    return this.exit !== undefined;
  }

  /** Waits for the end; its exit code, or the signal that killed it. */
  async waitForExit(ms = 10_000): Promise<number | NodeJS.Signals | null> {
    this.remember();
    return eventually('sluice ending', () => (this.exit === undefined ? undefined : { is: this.exit.code ?? this.exit.signal }), ms)
      .then((found) => found.is);
  }

  /** Stops it if it still runs, and looks at what it leaves behind. The scenario calls this. */
  async finish(): Promise<void> {
    const problems: string[] = [];
    if (this.exit === undefined) {
      this.signal('SIGINT');
      const how = await this.waitForExit(10_000).catch((error: Error) => error.message);
      if (how !== 0) problems.push(`sluice did not stop cleanly on SIGINT: ${how}`);
    }
    await eventually('the children ending', () => [...this.family.values()].every((p) => !isAlive(p)), 3000).catch(() => undefined);
    for (const process of this.family.values()) {
      if (isAlive(process)) {
        problems.push(`left behind: ${process.name} (${process.pid})`);
        killHard(process.pid);
      }
    }
    killHard(this.pid);
    problems.push(...this.log.alarms(this.crashes === 'attacks' ? 'attacks' : 'none'));
    if (this.crashes === 'none') {
      problems.push(...this.log.all((r) => r['event'] === 'worker ended').map((r) => `a worker died: ${JSON.stringify(r)}`));
    }
    rmSync(this.folder, { recursive: true, force: true });
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }
}

// A copy of the supervisor, with the applications beside it, where it looks for them.
function ownPrograms(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  copyFileSync(join(binaries, 'sluice'), join(bin, 'sluice'));
  for (const name of ['sluice-proxy', 'sluice-admin', 'sluice-keyholder']) symlinkSync(join(binaries, name), join(bin, name));
  return bin;
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // already gone, which is what we want
  }
}
