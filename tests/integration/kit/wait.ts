// Waiting with a limit and a name: a test that hangs must say what it was waiting for.

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Sanitizer builds and busy machines are slower; every limit of the kit is stretched by this factor. */
export const patience = Number(process.env['SLUICE_TEST_PATIENCE'] ?? '1');

/** `promise`, or an error that names `what` after `ms` milliseconds. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: nothing after ${ms * patience} ms`)), ms * patience);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `probe` again and again until it gives something other than undefined or false. */
export async function eventually<T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>, ms = 5000): Promise<T> {
  const end = Date.now() + ms * patience;
  let trouble: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms * patience} ms`, { cause: trouble });
    await sleep(20);
  }
}
