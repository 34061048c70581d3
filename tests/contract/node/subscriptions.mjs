// Goes through what the official client can do with subscriptions and prints what came of it, as JSON.
import sdk from "@kelviq/node-sdk";

const { url, serverKey, ids } = JSON.parse(process.argv[2]);
const client = new sdk.Kelviq({ accessToken: serverKey, baseUrl: url, edgeApiUrl: url, timeout: 30000, logger: false });
const { subscriptions } = client;
const MONTHLY = { planIdentifier: "pro", chargePeriod: "MONTHLY" };

async function errorOf(promise) {
  try {
    return { none: await promise };
  } catch (error) {
    const kinds = ["InvalidRequestError", "NotFoundError"];
    const kind = kinds.find((name) => error instanceof sdk[name]) ?? error.constructor.name;
    return { kind, status: error.statusCode, details: error.details };
  }
}

const report = { errors: {} };
const upgraded = { planIdentifier: "team", chargePeriod: "MONTHLY" };
report.upgraded = await subscriptions.update({ subscriptionId: ids.upgraded, ...upgraded });
const seats = [{ identifier: "seats", quantity: 12 }];
const seated = { planIdentifier: "seated", chargePeriod: "MONTHLY", features: seats };
const others = { offeringId: null, pricingTableId: null, ruleId: null, ipAddress: "103.154.35.20" };
report.seated = await subscriptions.update({
  subscriptionId: ids.seated, ...seated, ...others, probationBehaviour: "NO_PRORATION",
});
const tried = { planIdentifier: "tried", chargePeriod: "MONTHLY" };
report.longer = await subscriptions.update({ subscriptionId: ids.tried, ...tried, trialEnd: "2031-05-31T23:59:59" });
report.ended = await subscriptions.update({
  subscriptionId: report.longer.subscriptionId, ...tried, trialEnd: "now",
});
report.cancelled = await subscriptions.cancel({ subscriptionId: ids.leaving, cancellationType: "CURRENT_PERIOD_ENDS" });
report.dated = await subscriptions.cancel({
  subscriptionId: ids.dated, cancellationType: "SPECIFIC_DATE", cancellationDate: "2031-06-15",
});
report.gone = await subscriptions.cancel({ subscriptionId: ids.gone, cancellationType: "IMMEDIATE" });
report.errors.replaced = await errorOf(subscriptions.update({ subscriptionId: ids.upgraded, ...MONTHLY }));
report.errors.ended = await errorOf(
  subscriptions.cancel({ subscriptionId: ids.gone, cancellationType: "CURRENT_PERIOD_ENDS" }),
);
const nothing = { subscriptionId: ids.leaving, planIdentifier: "nothing", chargePeriod: "MONTHLY" };
report.errors.faulty = await errorOf(subscriptions.update(nothing));
const nobody = "7c2f3a91-2d4e-4a8b-9b1c-6f0a2e5d9c11";
report.errors.unknown = await errorOf(subscriptions.update({ subscriptionId: nobody, ...MONTHLY }));
console.log(JSON.stringify(report));
