// The story of tests/clients/story.py, told by the AWS SDK for JavaScript: reads a plan, prints what it saw.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import http from "node:http";
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand,
         S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const Bucket = plan.bucket;
// Names under localhost are this machine's, but the C library does not know them.
const lookup = (host, options, found) => options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4);
const s3 = new S3Client({
  endpoint: plan.endpoint, region: "us-east-1", forcePathStyle: plan.path_style, maxAttempts: 1,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent({ keepAlive: true, lookup }) }),
});

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const content = async (input) => sha256(await (await s3.send(new GetObjectCommand({ Bucket, ...input }))).Body.transformToByteArray());
const failing = async (command) => s3.send(command).then(() => "none", (error) => `${error.$metadata?.httpStatusCode} ${error.name}`);
const source = (key) => encodeURIComponent(`${Bucket}/${key}`);

async function ofKey(Key, Body) {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: "text/x-story", Metadata: plan.metadata }));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
  await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: source(Key) }));
  return {
    size: head.ContentLength, type: head.ContentType, metadata: head.Metadata, crc32: head.ChecksumCRC32,
    content: await content({ Key }), range: await content({ Key, Range: "bytes=3-9" }), copy: await content({ Key: "copy" }),
    get_url: await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 600 }),
    put_url: await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 600 }),
  };
}

async function listed() {
  const keys = [];
  let pages = 0;
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, MaxKeys: plan.page, EncodingType: plan.encoding })) {
    pages += 1;
    keys.push(...(page.Contents ?? []).map((item) => item.Key));
  }
  return { keys, pages };
}

async function uploads() {
  const parts = new Upload({ client: s3, params: { Bucket, Key: "parts", Body: createReadStream(plan.big) }, partSize: 5 << 20 });
  const { ETag } = await parts.done();
  await s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body: createReadStream(plan.big), ContentLength: plan.big_size,
                                       ChecksumAlgorithm: "CRC32" }));
  return { etag: ETag, parts: await content({ Key: "parts" }), stream: await content({ Key: "stream" }),
           tail: await content({ Key: "parts", Range: "bytes=-1000" }) };
}

async function conditions() {
  const there = await s3.send(new PutObjectCommand({ Bucket, Key: "one", Body: "first", IfNoneMatch: "*" }));
  return {
    again: await failing(new PutObjectCommand({ Bucket, Key: "one", Body: "second", IfNoneMatch: "*" })),
    other: await failing(new PutObjectCommand({ Bucket, Key: "one", Body: "third", IfMatch: '"0123456789abcdef0123456789abcdef"' })),
    same: await failing(new PutObjectCommand({ Bucket, Key: "one", Body: "fourth", IfMatch: there.ETag })),
    missing: await failing(new GetObjectCommand({ Bucket, Key: "nothing here" })),
    one: await content({ Key: "one" }),
  };
}

async function removed() {
  for (const Key of ["copy", "parts", "stream"]) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const Objects = plan.removed.map((Key) => ({ Key }));
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  return (gone.Deleted ?? []).map((item) => item.Key);
}

const keys = [];
for (const [index, key] of plan.keys.entries()) keys.push(await ofKey(key, plan.bodies[index]));
await s3.send(new DeleteObjectCommand({ Bucket, Key: "copy" }));
console.log(JSON.stringify({ keys, listed: await listed(), uploads: await uploads(), conditions: await conditions(),
                             removed: await removed() }));
