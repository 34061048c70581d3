// Goes through every method of the official client's customers and prints what came of it, as JSON.
import sdk from "@kelviq/node-sdk";

const { url, serverKey, clientKey, urlWithoutDatabase, keyWithoutDatabase } = JSON.parse(process.argv[2]);
const metadata = { planName: "Gold", seat_count: "3", nested: { aB: [1, 2.5, null, true], c_d: "é" } };

function customersOf(accessToken, baseUrl = url) {
  const client = new sdk.Kelviq({ accessToken, baseUrl, edgeApiUrl: baseUrl, timeout: 30000, logger: false });
  return client.customers;
}

async function errorOf(promise) {
  try {
    return { none: await promise };
  } catch (error) {
    const kinds = ["InvalidRequestError", "AuthenticationError", "NotFoundError", "ServerError"];
    return {
      kind: kinds.find((name) => error instanceof sdk[name]) ?? error.constructor.name,
      isApiError: error instanceof sdk.ApiError,
      status: error.statusCode,
      details: error.details,
      message: error.message,
    };
  }
}

const customers = customersOf(serverKey);
const report = { metadata, errors: {} };
report.empty = await customers.list();
report.created = await customers.create({ customerId: "ada", email: "ada@example.com", name: "Ada", metadata });
report.bare = await customers.create({ customerId: "bare", email: "bare@example.com" });
report.retrieved = await customers.retrieve({ customerId: "ada" });
report.updated = await customers.update({ customerId: "ada", name: "Ada L.", metadata: { onlyThis: "one" } });
report.listed = await customers.list();
report.secondPage = await customers.list({ page: 2, pageSize: 1 });
report.errors.duplicate = await errorOf(customers.create({ customerId: "ada", email: "x@example.com" }));
report.errors.faulty = await errorOf(customers.create({ customerId: "x".repeat(256), email: "nobody" }));
report.errors.pastTheEnd = await errorOf(customers.list({ page: 9 }));
report.archived = await customers.archive({ customerId: "ada" });
report.errors.archived = await errorOf(customers.retrieve({ customerId: "ada" }));
report.errors.wrongKey = await errorOf(customersOf("sk_live_" + "x".repeat(40)).list());
report.errors.clientKey = await errorOf(customersOf(clientKey).list());
report.errors.noDatabase = await errorOf(customersOf(keyWithoutDatabase, urlWithoutDatabase).list());
console.log(JSON.stringify(report));
