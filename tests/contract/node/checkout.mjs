// Opens checkout sessions with the official client and prints what came of it, as JSON.
import sdk from "@kelviq/node-sdk";

const { url, serverKey, clientKey } = JSON.parse(process.argv[2]);
const metadata = { orderRef: "A", order_ref: "B", nested: { aB: [1, 2.5, null] } };

const checkoutOf = (accessToken) =>
  new sdk.Kelviq({ accessToken, baseUrl: url, edgeApiUrl: url, timeout: 30000, logger: false }).checkout;

async function errorOf(promise) {
  try {
    return { none: await promise };
  } catch (error) {
    const isRefusal = error instanceof sdk.InvalidRequestError;
    return { kind: isRefusal ? "InvalidRequestError" : error.constructor.name, details: error.details };
  }
}

const monthly = { planIdentifier: "pro", chargePeriod: "MONTHLY", successUrl: "https://example.com/welcome" };
const report = { metadata };
report.whole = await checkoutOf(serverKey).createSession({
  ...monthly,
  customerId: "ada",
  ipAddress: "103.154.35.20",
  trialPeriod: 7,
  currencyCode: "USD",
  customAmount: 29.99,
  taxBehavior: "EXCLUSIVE",
  discountsEnabled: false,
  lockEmail: true,
  defaultBillingCountry: "DE",
  metadata,
});
const seats = [{ identifier: "seats", quantity: 8 }];
report.seated = await checkoutOf(serverKey).createSession({ ...monthly, planIdentifier: "seated", features: seats });
report.browser = await checkoutOf(clientKey).createSession(monthly);
report.refused = await errorOf(checkoutOf(serverKey).createSession({ ...monthly, planIdentifier: "none" }));
process.stdout.write(JSON.stringify(report));
