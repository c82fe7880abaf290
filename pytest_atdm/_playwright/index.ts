// Written by `atdm emit playwright`: do not edit.
/* eslint-disable */
//
// Rows for Playwright tests, by intent. `const test = scenario("name", { ...overrides })` is Playwright's `test` with
// the fixture `data`: the rows of that scenario, in the database of the application. Each test, and each retry, gets
// rows of its own. Afterwards they are removed, with what the application hung below them; of a test that failed they
// are in the report.
//
// Each worker of Playwright is a run of ATDM, and renews its lease. Of a worker that was killed the seeder removes the
// rows when the lease lapses.
//
// Set ATDM_URL and ATDM_TOKEN: the seeder's address and token. As with pytest, ATDM_SEED (0), ATDM_AS_OF (today) and
// ATDM_ACTOR (who asks, for the audit log) may be set too.

import { test as base, type TestInfo } from "@playwright/test";
import { randomBytes } from "node:crypto";
import { Worker } from "node:worker_threads";
import { catalog, type ScenarioName, type Scenarios } from "./scenarios.js";

export { expect } from "@playwright/test";

/** The rows of a scenario: an object for each entity, a list of them where the catalog gives it a count. */
export type Data<Name extends ScenarioName> = Scenarios[Name]["entities"];

/** What a test asks for on top of a scenario: `{ parameter: value, entity: { column: value } }`. */
export type Overrides<Name extends ScenarioName> = Scenarios[Name]["parameters"] & {
  [Entity in keyof Data<Name>]?: Partial<RowOf<Data<Name>[Entity]>>;
};
type RowOf<Entity> = Entity extends readonly (infer Row)[] ? Row : Entity;

/** The fixture `atdm`: where the rows of a test come from, and more of them in mid-test. */
export interface Atdm {
  readonly run_id: string;
  /** The day that dates of the rows are relative to, like 2026-01-31. */
  readonly as_of: string;
  readonly audit_url: string;
  /** Plant the rows of one more scenario; they go when those of the test go. */
  request<Name extends ScenarioName>(name: Name, overrides?: Overrides<Name>): Promise<Data<Name>>;
}

/** What the seeder, or the way to it, has to say: `code` is stable, `hint` says what to do. */
export class AtdmError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, findings: readonly Finding[] = []) {
    const found = findings.map((finding) => `\n- ${finding.path}: ${finding.message}; ${finding.fix}`).join("");
    super(`${message}${found}\nhint:  ${hint}\ncode:  ${code}`);
    this.name = "AtdmError";
    this.code = code;
    this.hint = hint;
  }
}

/** Playwright's `test` with the fixture `atdm`. */
export const test = base.extend<{ atdm: Atdm }, { atdmRun: Run }>({
  atdmRun: [
    async ({}, use, worker) => {
      const run = await startRun(worker.workerIndex);
      const heartbeat = startHeartbeat(run);
      await use(run);
      await heartbeat.terminate();
      refuseLeftovers(await call("DELETE", `/runs/${run.run_id}`));
    },
    { scope: "worker" },
  ],
  atdm: async ({ atdmRun: run }, use, testInfo) => {
    const requests: Request[] = [];
    let asked = 0;
    await use({
      run_id: run.run_id,
      as_of: run.as_of,
      audit_url: run.audit_url,
      async request<Name extends ScenarioName>(name: Name, overrides: Overrides<Name> = {}) {
        const key = nameRequest(testInfo, asked++);
        await seedReference(run, catalog[name].domain);
        const request = await seed(run.run_id, name, overrides, key);
        requests.push(request);
        return request.entities as Data<Name>;
      },
    });
    for (const request of requests.reverse()) {
      if (testInfo.status !== testInfo.expectedStatus) await attach(request, testInfo);
      await remove(request, testInfo);
    }
  },
});

/** Return Playwright's `test` for tests that need the rows of a scenario: the fixture `data`. */
export function scenario<Name extends ScenarioName>(name: Name, overrides: Overrides<Name> = {}) {
  return test.extend<{ data: Data<Name> }>({
    data: [async ({ atdm }, use) => use(await atdm.request(name, overrides)), { auto: true }],
  });
}

interface Run {
  run_id: string;
  epoch: number;
  lease_s: number;
  as_of: string;
  audit_url: string;
  /** Those whose reference rows are known to stand. */
  domains: Set<string>;
}

interface Receipt {
  request_id: string;
  run_id: string;
  scenario: ScenarioName;
  as_of: string;
  plan_hash: string;
  audit_url: string;
  cleanup_token: string;
  entities: Record<string, { table: string; rows: object[]; many?: boolean }>;
}

/** A request whose rows stand: its cleanup token, which nobody else is shown, and what a report tells. */
interface Request {
  token: string;
  facts: { request_id: string; scenario: ScenarioName; [more: string]: unknown };
  entities: object;
}

interface Finding {
  path: string;
  message: string;
  fix: string;
}

// Playwright loads the tests before it starts workers, which inherit this: their runs are of one session.
const session = (process.env["ATDM_SESSION_ID"] ??= makeUlid());

async function startRun(workerIndex: number): Promise<Run> {
  const as_of = process.env["ATDM_AS_OF"] || new Date().toISOString().slice(0, 10);
  const run = await call<Run>("POST", "/runs", {
    run_id: makeUlid(),
    session_id: session,
    actor: process.env["ATDM_ACTOR"] || "playwright",
    owner: `playwright worker ${workerIndex}, process ${process.pid}`,
    seed: Number(process.env["ATDM_SEED"] || 0),
    as_of,
  });
  return { ...run, as_of, domains: new Set() };
}

/** Have the catalog's reference rows of a domain stand, once for each worker. */
async function seedReference({ run_id, domains }: Run, domain: string): Promise<void> {
  if (domains.has(domain)) return;
  await call("POST", "/test-data/reference", { domain, run_id });
  domains.add(domain);
}

async function seed(run_id: string, name: ScenarioName, overrides: object, request_key: string): Promise<Request> {
  const wish = { run_id, scenario: name, overrides, request_key };
  const receipt = await call<Receipt>("POST", "/test-data/requests", wish);
  const { entities: seeded, request_id, scenario, as_of, plan_hash, audit_url } = receipt;
  const none = catalog[name].lists.map((entity) => [entity, []]);
  const some = Object.entries(seeded).map(([entity, { rows, many }]) => [entity, many ? rows : rows[0]]);
  const tables = Object.fromEntries(Object.entries(seeded).map(([entity, { table }]) => [entity, table]));
  return {
    token: receipt.cleanup_token,
    facts: { scenario, overrides, request_id, run_id, as_of, plan_hash, audit_url, tables },
    entities: Object.fromEntries([...none, ...some]) as object,
  };
}

/** The rows as they were planted, and as they are now: changed ones, lost ones, and what came below them. */
async function attach({ facts, entities }: Request, testInfo: TestInfo): Promise<void> {
  const path = `/test-data/requests/${facts.request_id}/rows`;
  const { rows: now } = await call<{ rows: object[] }>("GET", path).catch((error: Error) => ({ rows: error.message }));
  const body = JSON.stringify({ ...facts, entities, now }, null, 2);
  await testInfo.attach(`atdm ${facts.scenario}`, { body, contentType: "application/json" });
}

async function remove({ facts, token }: Request, testInfo: TestInfo): Promise<void> {
  const events = [{ kind: "consumed_by_test", detail: describeUse(facts.scenario, testInfo) }];
  const path = `/test-data/requests/${facts.request_id}`;
  refuseLeftovers(await call("DELETE", path, { events }, { "ATDM-Cleanup-Token": token }));
}

/** What the audit log and `atdm coverage` are told: the test, how it ended, and what of the catalog it has shown. */
function describeUse(scenario: ScenarioName, { titlePath, project, retry, status, expectedStatus }: TestInfo): object {
  const commit = process.env["GITHUB_SHA"] || process.env["CI_COMMIT_SHA"];
  const ended = status === "interrupted" ? "error" : status === expectedStatus ? "passed" : "failed";
  return {
    nodeid: `${titlePath.join(" > ")}${project.name && ` [${project.name}]`}`,
    outcome: status === "skipped" ? "skipped" : ended,
    attempt: retry + 1,
    scenario,
    requirements: catalog[scenario].requirements,
    ...(commit && { commit }),
  };
}

/** Rows from before, that the application has made refer to seeded ones, may keep these from being removed. */
function refuseLeftovers({ left = [] }: { left?: { table: string; key: object; why: string }[] }): void {
  const lines = left.map(({ table, key, why }) => `- ${table} ${JSON.stringify(key)}: ${why}`);
  if (lines.length) throw new Error(`rows are left in the database:\n${lines.join("\n")}`);
}

/** Return a key that no other request of the run has: a test, its attempt, and which of its requests. */
function nameRequest({ testId, retry, titlePath }: TestInfo, index: number): string {
  return [...`${testId} ${retry}.${index} ${titlePath.join(" > ")}`].slice(0, 500).join("");
}

/** Call the seeder; whatever is no success is an AtdmError. */
async function call<Answer>(method: string, path: string, body?: object, headers = {}): Promise<Answer> {
  const url = locate(path);
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const send = () => fetch(url, { method, ...content, headers: { ...authorize(), ...headers } });
  // Each call may be repeated, and is, once: while a test kept this process busy, an idle connection may have ended.
  const answer = await send()
    .catch(send)
    .catch((error) => {
      const reason = error.cause?.code ?? error.message;
      throw new AtdmError("seeder_unreachable", `${method} ${url}: ${reason}`, "start the seeder, or correct ATDM_URL");
    });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(quoteLargeIntegers(text)) as Answer;
  throw explain(`${method} ${url} answers ${answer.status}`, text);
}

function locate(path: string): string {
  return `${read("ATDM_URL").replace(/\/+$/, "")}${path}`;
}

function authorize(): Record<string, string> {
  return { Authorization: `Bearer ${read("ATDM_TOKEN")}`, "Content-Type": "application/json" };
}

function read(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new AtdmError("setting_error", `${variable} is not set`, "set ATDM_URL and ATDM_TOKEN to those of the seeder");
}

/** Return the error of a problem document (RFC 9457), or of an answer that no seeder gives. */
function explain(what: string, text: string): AtdmError {
  try {
    const { code, detail, hint, findings } = JSON.parse(text);
    if (code) return new AtdmError(code, detail, hint, findings);
  } catch {} // no JSON
  return new AtdmError("seeder_failed", `${what}: ${text.slice(0, 200)}`, "see that ATDM_URL is a seeder's address");
}

/** Return JSON whose integers beyond 2^53 - 1, which JavaScript would round, are strings. */
function quoteLargeIntegers(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  );
}

/** Renew the lease from a thread: neither a breakpoint nor a busy test lets it lapse, and it ends with the process. */
function startHeartbeat({ run_id, epoch, lease_s }: Run): Worker {
  const beat = { method: "POST", headers: authorize(), body: JSON.stringify({ epoch }) };
  const workerData = { url: locate(`/runs/${run_id}/heartbeat`), beat, pause_ms: (lease_s * 1000) / 3 };
  const worker = new Worker(HEARTBEAT, { eval: true, execArgv: [], workerData });
  worker.unref();
  return worker;
}

const HEARTBEAT = `
  const { url, beat, pause_ms } = require("node:worker_threads").workerData;
  async function renew() {
    const status = await fetch(url, beat).then((answer) => answer.status, () => 503);
    if (status < 400) setTimeout(renew, pause_ms);
    else if (status >= 500) setTimeout(renew, pause_ms / 3); // sooner again: there is a lease to lose
  }
  setTimeout(renew, pause_ms);
`;

/** Return an id that sorts by time: https://github.com/ulid/spec. */
function makeUlid(): string {
  const number = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  const digits = Array.from({ length: 26 }, (_, place) => Number((number >> BigInt(125 - 5 * place)) & 31n));
  return digits.map((digit) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit]).join("");
}
