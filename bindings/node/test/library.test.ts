import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';

import { explain, libraryInfo } from 'llmq';

import { line, run, serve, within } from './support';

const PACKAGE = path.dirname(require.resolve('llmq/package.json'));

interface Binding {
  from: string;
  to: string;
  symbol: string;
}

// What the dynamic linker tells with LD_DEBUG=bindings.
function bindings(folder: string): Binding[] {
  const found: Binding[] = [];
  const pattern = /binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `([^']+)'/g;
  for (const file of readdirSync(folder))
    for (const [, from, to, symbol] of readFileSync(path.join(folder, file), 'utf8').matchAll(
      pattern,
    ))
      found.push({
        from: path.basename(from ?? ''),
        to: path.basename(to ?? ''),
        symbol: symbol ?? '',
      });
  return found;
}

test('inside Node the library uses its own libuv, OpenSSL, nghttp2 and zlib', async (t) => {
  const server = await serve(t);
  const folder = temporary(t);
  const child = run(t, 'http.js', [server.url], {
    LD_DEBUG: 'bindings',
    LD_DEBUG_OUTPUT: path.join(folder, 'ld'),
    LD_BIND_NOW: '1',
    OPENAI_API_KEY: 'none',
  });
  assert.equal(await within(60_000, line(child), 'the call'), '200');
  assert.equal(await child.ended, 0);
  const all = bindings(folder);
  const node = path.basename(process.execPath);
  const of = (from: RegExp, symbol: RegExp): Set<string> =>
    new Set(all.filter((b) => from.test(b.from) && symbol.test(b.symbol)).map((b) => b.to));
  for (const [from, symbol, library] of [
    [/^libcurl\.so/, /^SSL_/, /^libssl\.so/],
    [/^libcurl\.so/, /^nghttp2_/, /^libnghttp2\.so/],
    [/^libcurl\.so/, /^inflate/, /^libz\.so/],
  ] as const) {
    const to = [...of(from, symbol)];
    assert.equal(to.length, 1, `${symbol} of libcurl comes from one file: ${to.join(', ')}`);
    assert.match(to[0] ?? '', library);
  }
  // A bundled library has a hidden libuv, which no binding shows; else it is the system's.
  const uv = [...of(/^libllmq\.so/, /^uv_/)];
  if (process.env['LLMQ_BUNDLE']) assert.deepEqual(uv, []);
  else assert.match(uv.join(), /^libuv\.so\.1[.0-9]*$/);
  const ofNode = all.filter((b) => /^lib(llmq|curl|uv)\.so/.test(b.from) && b.to === node);
  assert.deepEqual(ofNode, [], 'nothing of the library comes from Node');
  // The addon watches with Node's loop, and with no other: that of Debian's Node is in a library that it shares.
  const variables = process.config.variables as unknown as Record<string, unknown>;
  const ofLoop = [...of(/^llmq\.node$/, /^uv_/)].join();
  if (variables['node_shared_libuv']) assert.match(ofLoop, /^libuv\.so\.1[.0-9]*$/);
  else assert.equal(ofLoop, node);
});

function temporary(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'llmq-library-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the library is that of the package, or of LLMQ_LIBRARY', async (t) => {
  const { path: file, version } = libraryInfo();
  assert.match(file, /node_modules\/llmq\/prebuilt\/.*libllmq\.so$/);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  const folder = temporary(t);
  const copy = path.join(folder, 'libllmq-copy.so');
  copyFileSync(file, copy);
  const child = run(t, 'where.js', [], { LLMQ_LIBRARY: copy });
  assert.equal(await line(child), copy);
});

test('a library that does not fit is named, with what is wrong', async (t) => {
  for (const [file, why] of [
    ['/nowhere/libllmq.so', /\/nowhere\/libllmq\.so cannot be loaded: .*\(package: .*llmq\)/],
    ['libz.so.1', /libz\.so\.1 is not the llmq that this package \(0\.\d+\.\d+\) needs: no llmq_/],
  ] as const) {
    const child = run(t, 'where.js', [], { LLMQ_LIBRARY: file });
    assert.match(await line(child), why);
  }
});

/** A library that says this of itself, and can nothing else. */
function stub(folder: string, abi: number, bytes: number): string {
  const source = path.join(folder, `abi${abi}.c`);
  const file = path.join(folder, `libllmq-abi${abi}.so`);
  writeFileSync(
    source,
    `unsigned llmq_abi_version(void) { return ${abi}; }
    const char* llmq_version_string(void) { return "7.8.9"; }
    unsigned long llmq_sizeof(int what) { return what * 0 + ${bytes}; }`,
  );
  execFileSync('cc', ['-shared', '-fPIC', '-o', file, source]);
  return file;
}

test('a library of another ABI is named, with both versions and both paths', async (t) => {
  const folder = temporary(t);
  const { version } = libraryInfo();
  const ours = `this package (${version})`;
  const constants = path.join(PACKAGE, 'dist', 'constants.js');
  const { ABI_VERSION } = require(constants) as { ABI_VERSION: number };
  const other = stub(folder, 77, 10_000);
  const older = stub(folder, ABI_VERSION, 8);
  for (const [file, why] of [
    [other, `llmq 7.8.9 with ABI version 77, ${ours} is made for ABI version ${ABI_VERSION}`],
    [older, `llmq 7.8.9, older than ${ours}: its llmq_request_t has 8 bytes, not `],
  ] as const) {
    const words = await line(run(t, 'where.js', [], { LLMQ_LIBRARY: file }));
    assert.ok(words.startsWith(`${file} is ${why}`), words);
    assert.ok(words.endsWith(`(package: ${PACKAGE})`), words);
  }
});

test('a package without a library takes the one that pkg-config knows', async (t) => {
  const folder = temporary(t);
  const { path: file } = libraryInfo();
  const copy = path.join(folder, 'node_modules', 'llmq');
  cpSync(PACKAGE, copy, { recursive: true });
  const bundled = path.join(copy, path.relative(PACKAGE, file));
  renameSync(bundled, path.join(folder, 'libllmq.so'));
  copyFileSync(path.join(__dirname, 'programs', 'where.js'), path.join(folder, 'where.js'));
  const where = (known: string): string =>
    execFileSync(process.execPath, [path.join(folder, 'where.js')], {
      encoding: 'utf8',
      env: { ...process.env, PKG_CONFIG_LIBDIR: known, PKG_CONFIG_PATH: known },
    }).trimEnd();
  assert.equal(
    where(path.join(folder, 'nowhere')),
    `libllmq is not found: LLMQ_LIBRARY is not set, ${bundled} does not exist, ` +
      `and pkg-config knows no llmq`,
  );
  const about = `libdir=${folder}\nName: llmq\nDescription: x\nVersion: ${libraryInfo().version}\n`;
  writeFileSync(path.join(folder, 'llmq.pc'), about);
  assert.equal(where(folder), path.join(folder, 'libllmq.so'));
});

test('a recorded answer is explained', () => {
  const headers = { 'retry-after': '2' };
  const verdict = explain('openai', { status: 429, headers, body: 'slow down' });
  assert.equal(verdict['retryable'], true);
  assert.equal(verdict['retry_after_ms'], 2000);
  assert.throws(() => explain('openai', { status: 7 }), /status/);
});
