// Read one packed prediction, with node alone:
//
//   node examples/read_packed.mjs LEDGER_TABLE INGEST_ID RECORD_ID
//
// Region, credentials and endpoint come from the usual AWS_… variables. Prints the prediction as JSON.
// Ends with 1 if there is none. With the AWS SDK, `getItem` and `getRange` below are `GetItemCommand` and
// `GetObjectCommand`; requests are signed here so that the example needs no package.

import { createHash, createHmac } from "node:crypto";
import { gunzipSync } from "node:zlib";

const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
const endpoint = process.env.AWS_ENDPOINT_URL;

/** Send a request, signed by Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
async function send(service, method, address, headers, body = "") {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const url = new URL(address);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, ""); // 20261124T041500Z
  const signed = {
    ...headers,
    host: url.host,
    "x-amz-content-sha256": sha256(body),
    "x-amz-date": time,
    ...(AWS_SESSION_TOKEN && { "x-amz-security-token": AWS_SESSION_TOKEN }),
  };
  const sorted = Object.keys(signed).sort();
  const lines = sorted.map((name) => `${name}:${signed[name]}\n`).join("");
  const request = [method, url.pathname, "", lines, sorted.join(";"), sha256(body)].join("\n");
  const scope = [time.slice(0, 8), region, service, "aws4_request"];
  const key = scope.reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(request)].join("\n")).toString("hex");
  signed.authorization =
    `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope.join("/")}, ` +
    `SignedHeaders=${sorted.join(";")}, Signature=${signature}`;
  const response = await fetch(url, { method, headers: signed, ...(body && { body }) });
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

async function getItem(table, ledgerKey, entry) {
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem" };
  const parameters = { TableName: table, Key: { ledger_key: { S: ledgerKey }, entry: { S: entry } } };
  const address = endpoint ?? `https://dynamodb.${region}.amazonaws.com`;
  return JSON.parse(await send("dynamodb", "POST", address, headers, JSON.stringify(parameters))).Item;
}

function getRange({ bucket, key }, start, end) {
  const address = endpoint ? `${endpoint}/${bucket.S}` : `https://${bucket.S}.s3.${region}.amazonaws.com`;
  return send("s3", "GET", `${address}/${key.S}`, { range: `bytes=${start}-${end - 1}` });
}

/** Find the batches that may have a record's prediction: docs/packed.md describes the index. */
async function findBatches(index, recordId) {
  const hash = createHash("sha256").update(recordId).digest().subarray(0, 8);
  const counts = Buffer.from(index.counts.B, "base64");
  let first = 0;
  for (let byte = 0; byte < hash[0]; byte++) first += counts.readUInt32BE(4 * byte);
  const count = counts.readUInt32BE(4 * hash[0]);
  const expected = Math.floor((hash.readUIntBE(1, 6) / 2 ** 48) * count);
  const margin = 4 * Math.floor(Math.sqrt(count)) + 5;
  const [start, end] = [first + Math.max(0, expected - margin), first + Math.min(count, expected + margin)];
  if (start === end) return [];
  const entries = await getRange(index.pinned.M, 12 * start, 12 * end);
  const batches = [];
  for (let at = 0; at < entries.length; at += 12)
    if (entries.subarray(at, at + 8).equals(hash)) batches.push(entries.readUInt32BE(at + 8));
  return batches;
}

/** Return the answer in one row of columns: label and score, or value, or outputs. */
function answer(columns, row) {
  if (columns.outputs)
    return { outputs: Object.fromEntries(Object.entries(columns.outputs).map(([name, of]) => [name, answer(of, row)])) };
  if (columns.value) return { value: columns.value[row] };
  const score = columns.score?.[row] ?? null;
  return { label: columns.labels[columns.label[row]], ...(score !== null && { score }) };
}

async function findPrediction(table, ingestId, recordId) {
  const ingest = await getItem(table, ingestId, "summary");
  if (!ingest?.index) throw new Error(`ingest ${ingestId} has no index: it is not packed, or has not ended`);
  for (const batch of await findBatches(ingest.index.M, recordId)) {
    const ledgerKey = `${ingestId}#${batch % 8}`;
    let item = await getItem(table, ledgerKey, `${batch}`);
    if (!item?.predictions) continue;
    const parts = Number(item.parts?.N ?? 1); // more than one only if a batch has thousands of records
    for (let part = 0; part < parts; part++) {
      if (part) item = await getItem(table, ledgerKey, `${batch}.${part}`);
      const columns = JSON.parse(gunzipSync(Buffer.from(item.predictions.B, "base64")));
      const row = columns.ids.indexOf(recordId);
      const { model_version, predicted_at } = columns;
      if (row >= 0)
        return { record_id: recordId, ingest_id: ingestId, batch, ...answer(columns, row), model_version, predicted_at };
    }
  }
}

const [table, ingestId, recordId] = process.argv.slice(2);
if (!recordId) {
  console.error("usage: node read_packed.mjs LEDGER_TABLE INGEST_ID RECORD_ID");
  process.exit(2);
}
const prediction = await findPrediction(table, ingestId, recordId);
if (!prediction) {
  console.error(`${ingestId} has no prediction of ${recordId}; it may have been rejected`);
  process.exit(1);
}
console.log(JSON.stringify(prediction, null, 2));
