import { appendFileSync } from "node:fs";
import { expect, scenario } from "../atdm";

const denied = scenario("claim_denial_active_member");
denied.describe.configure({ retries: 2 });

denied("only the third attempt passes", async ({ data }, testInfo) => {
  appendFileSync(process.env["CLAIM_NUMBERS"]!, `${data.claim.claim_number}\n`);

  expect(testInfo.retry).toBe(2);
});
