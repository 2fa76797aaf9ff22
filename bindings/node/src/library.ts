import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as path from 'node:path';

import { LlmqError } from './errors';
import type { Native } from './native';
import { RECORDS_VERSION } from './records';

const packageDir = path.join(__dirname, '..');
const prebuiltDir = path.join(packageDir, 'prebuilt', `${process.platform}-${process.arch}`);

/** Where the library may be: LLMQ_LIBRARY, the package itself, what pkg-config knows. */
function findLibrary(): string {
  const named = process.env['LLMQ_LIBRARY'];
  if (named) return named;
  const bundled = path.join(prebuiltDir, 'libllmq.so');
  if (existsSync(bundled)) return bundled;
  let libdir = '';
  try {
    libdir = execFileSync('pkg-config', ['--variable=libdir', 'llmq'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // Neither pkg-config nor the library is installed.
  }
  if (libdir) return path.join(libdir, 'libllmq.so');
  throw new Error(
    `libllmq is not found: LLMQ_LIBRARY is not set, ${bundled} does not exist, ` +
      `and pkg-config knows no llmq`,
  );
}

function loadAddon(): Native {
  const file = path.join(prebuiltDir, 'llmq.node');
  if (!existsSync(file)) {
    throw new Error(`llmq has no addon for ${process.platform}-${process.arch}: no ${file}`);
  }
  const addon = require(file) as Native;
  if (addon.recordsVersion !== RECORDS_VERSION) {
    throw new Error(
      `${file} has records of version ${addon.recordsVersion}, ` +
        `${packageDir} of version ${RECORDS_VERSION}: the package is mixed up`,
    );
  }
  return addon;
}

let loaded: { native: Native; path: string } | undefined;

function load(): { native: Native; path: string } {
  if (loaded) return loaded;
  const native = loadAddon();
  const library = findLibrary();
  const problem = native.load(library);
  if (problem !== undefined) throw new Error(`${problem} (package: ${packageDir})`);
  native.setErrorClass(LlmqError);
  loaded = { native, path: library };
  return loaded;
}

/** The addon, with its library loaded and checked. Throws what is missing or does not fit. */
export function native(): Native {
  return (loaded ?? load()).native;
}

/** Which library is used, and from where. Loads it if need be; throws if it cannot be used. */
export function libraryInfo(): { /** "0.1.0" */ version: string; /** The file. */ path: string } {
  const { native: addon, path: file } = load();
  return { version: addon.version(), path: file };
}

/**
 * What llmq makes of a recorded answer of a provider: whether it would try again, when, and what
 * it reads of limits and usage. `record` has status, headers and body (docs/explain.md).
 */
export function explain(
  provider: string,
  record: Record<string, unknown>,
): Record<string, unknown> {
  return JSON.parse(native().explain(provider, JSON.stringify(record))) as Record<string, unknown>;
}
