import { scenario } from "../atdm";

scenario("claim_denial_expired_eligibility", { days_since_expiry: 0 })("a limit is passed over", () => {});
scenario("claim_denial_expired_eligibility", { claim: { service_date: "2001-01-01" } })("a rule is broken", () => {});
