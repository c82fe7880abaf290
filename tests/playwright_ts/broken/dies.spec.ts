import { writeFileSync } from "node:fs";
import { scenario } from "../atdm";

const denied = scenario("claim_denial_active_member");

denied("the worker ends itself", async ({ data }) => {
  writeFileSync(process.env["CLAIM_NUMBERS"]!, data.claim.claim_number);
  process.exit(1);
});

denied("the worker is killed", async ({ data }) => {
  writeFileSync(process.env["CLAIM_NUMBERS"]!, data.claim.claim_number);
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
});

denied("the worker hangs", async ({ data }) => {
  writeFileSync(process.env["CLAIM_NUMBERS"]!, data.claim.claim_number);
  const end = Date.now() + Number(process.env["HANGS_MS"]);
  while (Date.now() < end);
});
