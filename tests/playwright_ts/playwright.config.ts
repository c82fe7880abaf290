import { defineConfig } from "@playwright/test";

// suite.py sets these: where the claims application listens, and which Chromium to start, if not Playwright's own.
const baseURL = process.env["CLAIMS_APPLICATION_URL"]!;
const chromium = process.env["ATDM_CHROMIUM"];

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  fullyParallel: true,
  use: { baseURL, launchOptions: chromium ? { executablePath: chromium, args } : { args } },
});
