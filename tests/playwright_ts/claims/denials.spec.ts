import { expect, scenario } from "../atdm";

const expired = scenario("claim_denial_expired_eligibility", { days_since_expiry: 3, claim: { status: "denied" } });

expired("a denied claim stays denied", async ({ data, request, page }) => {
  const { claim, eligibility } = data;
  expect(eligibility.effective_to! < claim.service_date).toBe(true);

  const answer = await request.post(`/claims/${claim.claim_number}/adjudicate`);

  expect((await answer.json()).judged.reason).toBe("expired_eligibility");
  await page.goto(`/claims/${claim.claim_number}`);
  await expect(page.locator("body")).toContainText(`"reason":"expired_eligibility"`);
});
