// Reports usage and events by the official client, looks at what a customer may do, and prints it all, as JSON.
import sdk from "@kelviq/node-sdk";

const { url, serverKey } = JSON.parse(process.argv[2]);
const client = new sdk.Kelviq({ accessToken: serverKey, baseUrl: url, edgeApiUrl: url, timeout: 30000, logger: false });
const { reporting, entitlements } = client;
const ada = { customerId: "ada" };
const calls = { ...ada, featureId: "calls" };

async function errorOf(promise) {
  try {
    return { none: await promise };
  } catch (error) {
    return { status: error.statusCode, details: error.details };
  }
}

const report = {};
report.before = await entitlements.hasAccess(calls);
report.usage = await reporting.reportUsage({ ...calls, value: 60, behaviour: "DELTA" });
report.calls = await entitlements.getEntitlement(calls);
await reporting.reportUsage({ ...calls, value: 100, behaviour: "SET", resourceId: "model-1" });
report.after = await entitlements.hasAccess(calls);
// The client writes the names of properties anew; the meter counts them under either spelling.
const event = {
  ...ada, eventName: "asked", idempotencyKey: "e1", timestamp: "2031-04-01 00:00:00.000000",
  properties: { tokenCount: 12 },
};
report.event = await reporting.reportEvent(event);
report.again = await reporting.reportEvent(event);
report.all = await entitlements.getEntitlements(ada);
report.raw = await entitlements.getRawEntitlements(ada);
report.refused = await errorOf(reporting.reportUsage({ ...calls, customerId: "nobody", value: 1, behaviour: "DELTA" }));
console.log(JSON.stringify(report));
