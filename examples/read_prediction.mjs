// Read one prediction from its table, with node alone:
//
//   node examples/read_prediction.mjs TABLE INGEST_ID RECORD_ID
//
// Region, credentials and endpoint come from the usual AWS_… variables. Prints the prediction as JSON.
// Ends with 1 if there is none. With the AWS SDK, `call` below is `GetItemCommand` of @aws-sdk/client-dynamodb;
// the request is signed here so that the example needs no package.

import { createHash, createHmac } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

/** Call DynamoDB, signed by Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
async function call(action, parameters) {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const url = new URL(process.env.AWS_ENDPOINT_URL ?? `https://dynamodb.${region}.amazonaws.com`);
  const body = JSON.stringify(parameters);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, ""); // 20261124T041500Z
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    host: url.host,
    "x-amz-date": time,
    ...(AWS_SESSION_TOKEN && { "x-amz-security-token": AWS_SESSION_TOKEN }),
    "x-amz-target": `DynamoDB_20120810.${action}`,
  }; // in the order of their names, as the signature wants them
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join("");
  const request = ["POST", "/", "", lines, names, sha256(body)].join("\n");
  const scope = [time.slice(0, 8), region, "dynamodb", "aws4_request"];
  const key = scope.reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(request)].join("\n")).toString("hex");
  headers.authorization =
    `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope.join("/")}, SignedHeaders=${names}, Signature=${signature}`;
  const response = await fetch(url, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`DynamoDB answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Turn one of DynamoDB's typed values into a plain one. A prediction has strings, numbers, and maps of both. */
function plain(value) {
  if ("S" in value) return value.S;
  if ("N" in value) return Number(value.N);
  if ("M" in value) return Object.fromEntries(Object.entries(value.M).map(([name, inner]) => [name, plain(inner)]));
  throw new Error(`a prediction has no value of type ${Object.keys(value)}`);
}

const [table, ingestId, recordId] = process.argv.slice(2);
if (!recordId) {
  console.error("usage: node read_prediction.mjs TABLE INGEST_ID RECORD_ID");
  process.exit(2);
}
const { Item } = await call("GetItem", {
  TableName: table,
  Key: { record_id: { S: recordId }, ingest_id: { S: ingestId } },
});
if (!Item) {
  console.error(`${ingestId} has no prediction of ${recordId}; it may have been rejected`);
  process.exit(1);
}
// record_id, ingest_id, batch, model_version, predicted_at; label and score, or value, or outputs
console.log(JSON.stringify(plain({ M: Item }), null, 2));
