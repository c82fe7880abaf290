import { expect, scenario, test } from "../atdm";

const paid = scenario("active_member_clean", { provider: { specialty: "cardiology" } });

for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) {
  paid(`visit ${number} of the same situation is paid once`, async ({ atdm, data, request }) => {
    const visit = {
      member_number: data.member.member_number,
      npi: data.provider.npi,
      procedure_code: data.procedure.code,
      diagnosis_code: data.diagnosis.code,
      service_date: atdm.as_of,
      billed_amount: "150.00",
    };
    const first = await request.post("/claims", { data: visit });
    const second = await request.post("/claims", { data: visit });

    expect(data.provider.specialty).toBe("cardiology");
    expect((await first.json()).status).toBe("paid");
    expect((await second.json()).reason).toBe("duplicate_claim");
  });
}

test("a situation more is asked for in mid-test", async ({ atdm, request }) => {
  const { history } = await atdm.request("inactive_member_with_history", { past_claims: 2 });
  const { further_line } = await atdm.request("cart_out_of_stock", { further_articles: 0 });

  for (const claim of history) {
    const answer = await request.post(`/claims/${claim.claim_number}/adjudicate`);
    expect((await answer.json()).judged.status).toBe("paid");
  }
  expect(history).toHaveLength(2);
  expect(further_line).toEqual([]);
});

test("situations are asked for at once", async ({ atdm }) => {
  const asked = [1, 2, 3].map(() => atdm.request("claim_denial_active_member"));

  const numbers = new Set((await Promise.all(asked)).map(({ claim }) => claim.claim_number));

  expect(numbers.size).toBe(3);
});
