// Opens a portal session by the official client, and prints what came of it, as JSON.
import sdk from "@kelviq/node-sdk";

const { url, serverKey } = JSON.parse(process.argv[2]);
const client = new sdk.Kelviq({ accessToken: serverKey, baseUrl: url, edgeApiUrl: url, timeout: 30000, logger: false });

async function errorOf(promise) {
  try {
    return { none: await promise };
  } catch (error) {
    return { status: error.statusCode, details: error.details };
  }
}

const report = { session: await client.portal.createSession({ customerId: "ada" }) };
report.refused = await errorOf(client.portal.createSession({ customerId: "nobody" }));
console.log(JSON.stringify(report));
