import { expect, scenario } from "../atdm";

const denied = scenario("claim_denial_active_member", { claim: { billed_amount: "321.00" } });

denied("a denied claim is expected to be paid", async ({ atdm, data, request }) => {
  await atdm.request("expired_eligibility");
  const answer = await request.post(`/claims/${data.claim.claim_number}/adjudicate`);

  expect((await answer.json()).status).toBe("paid");
});
