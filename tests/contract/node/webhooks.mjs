// Says of each delivery that it is given what the official client's `validateEvent` makes of it, as JSON.
import sdk from "@kelviq/node-sdk";

function verdict({ body, headers, secret }) {
  try {
    return { event: sdk.validateEvent(Buffer.from(body, "base64"), headers, secret) };
  } catch (error) {
    return { refused: error instanceof sdk.WebhookVerificationError, message: error.message };
  }
}

console.log(JSON.stringify(JSON.parse(process.argv[2]).map(verdict)));
