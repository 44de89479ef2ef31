// The story of tests/clients/story.py, told by the AWS SDK for Java: reads a plan, prints what it saw.
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.json.JSONArray;
import org.json.JSONObject;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.DeletedObject;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

public final class Story {
  private static final int PART = 5 << 20;

  private final JSONObject plan;
  private final String bucket;
  private final S3Client s3;
  private final S3AsyncClient parallel;
  private final S3Presigner signer;

  private Story(JSONObject plan) {
    this.plan = plan;
    bucket = plan.getString("bucket");
    var endpoint = URI.create(plan.getString("endpoint"));
    var keys = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    boolean pathStyle = plan.getBoolean("path_style");
    s3 = S3Client.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys)
        .forcePathStyle(pathStyle).build();
    parallel = S3AsyncClient.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys)
        .forcePathStyle(pathStyle).multipartEnabled(true)
        .multipartConfiguration(c -> c.minimumPartSizeInBytes((long) PART).thresholdInBytes((long) PART)).build();
    signer = S3Presigner.builder().endpointOverride(endpoint).region(Region.US_EAST_1).credentialsProvider(keys)
        .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(pathStyle).build()).build();
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private String content(String key, String range) throws Exception {
    return sha256(s3.getObjectAsBytes(g -> g.bucket(bucket).key(key).range(range)).asByteArray());
  }

  private PutObjectResponse put(String key, String body, Consumer<PutObjectRequest.Builder> change) {
    var request = PutObjectRequest.builder().bucket(bucket).key(key).applyMutation(change).build();
    return s3.putObject(request, RequestBody.fromString(body));
  }

  private static String failing(Runnable call) {
    try {
      call.run();
      return "none";
    } catch (S3Exception error) {
      return error.statusCode() + " " + error.awsErrorDetails().errorCode();
    }
  }

  private JSONObject ofKey(String key, String body, Map<String, String> metadata) throws Exception {
    put(key, body, p -> p.contentType("text/x-story").metadata(metadata));
    var head = s3.headObject(h -> h.bucket(bucket).key(key).checksumMode(ChecksumMode.ENABLED));
    s3.copyObject(c -> c.sourceBucket(bucket).sourceKey(key).destinationBucket(bucket).destinationKey("copy"));
    var life = Duration.ofMinutes(10);
    var get = GetObjectRequest.builder().bucket(bucket).key(key).build();
    var put = PutObjectRequest.builder().bucket(bucket).key(key).build();
    return new JSONObject()
        .put("size", head.contentLength()).put("type", head.contentType()).put("metadata", head.metadata())
        .put("crc32", head.checksumCRC32() == null ? JSONObject.NULL : head.checksumCRC32())
        .put("content", content(key, null)).put("range", content(key, "bytes=3-9")).put("copy", content("copy", null))
        .put("get_url", signer.presignGetObject(p -> p.signatureDuration(life).getObjectRequest(get)).url().toString())
        .put("put_url", signer.presignPutObject(p -> p.signatureDuration(life).putObjectRequest(put)).url().toString());
  }

  private JSONObject listed() {
    var request = ListObjectsV2Request.builder().bucket(bucket).maxKeys(plan.getInt("page"))
        .encodingType(plan.optString("encoding", null)).build();
    var keys = new JSONArray();
    int pages = 0;
    for (var page : s3.listObjectsV2Paginator(request)) {
      pages += 1;
      for (S3Object item : page.contents()) keys.put(item.key());
    }
    return new JSONObject().put("keys", keys).put("pages", pages);
  }

  private JSONObject uploads() throws Exception {
    var big = Path.of(plan.getString("big"));
    var done = parallel.putObject(p -> p.bucket(bucket).key("parts"), AsyncRequestBody.fromFile(big)).join();
    var parts = parallel.getObject(g -> g.bucket(bucket).key("parts"), AsyncResponseTransformer.toBytes()).join();
    try (var stream = Files.newInputStream(big)) {
      var request = PutObjectRequest.builder().bucket(bucket).key("stream").build();
      s3.putObject(request, RequestBody.fromInputStream(stream, plan.getLong("big_size")));
    }
    return new JSONObject().put("etag", done.eTag()).put("parts", sha256(parts.asByteArray()))
        .put("stream", content("stream", null)).put("tail", content("parts", "bytes=-1000"));
  }

  private JSONObject conditions() throws Exception {
    var there = put("one", "first", p -> p.ifNoneMatch("*"));
    var other = "\"0123456789abcdef0123456789abcdef\"";
    return new JSONObject()
        .put("again", failing(() -> put("one", "second", p -> p.ifNoneMatch("*"))))
        .put("other", failing(() -> put("one", "third", p -> p.ifMatch(other))))
        .put("same", failing(() -> put("one", "fourth", p -> p.ifMatch(there.eTag()))))
        .put("missing", failing(() -> s3.getObjectAsBytes(g -> g.bucket(bucket).key("nothing here"))))
        .put("one", content("one", null));
  }

  private void remove(String key) {
    s3.deleteObject(d -> d.bucket(bucket).key(key));
  }

  private JSONArray removed() {
    for (var key : List.of("copy", "parts", "stream")) remove(key);
    var all = new ArrayList<ObjectIdentifier>();
    for (var key : plan.getJSONArray("removed")) all.add(ObjectIdentifier.builder().key((String) key).build());
    var gone = s3.deleteObjects(d -> d.bucket(bucket).delete(o -> o.objects(all)));
    var keys = new JSONArray();
    for (DeletedObject item : gone.deleted()) keys.put(item.key());
    return keys;
  }

  private JSONObject told() throws Exception {
    var metadata = new TreeMap<String, String>();
    plan.getJSONObject("metadata").toMap().forEach((name, value) -> metadata.put(name, (String) value));
    var keys = new JSONArray();
    for (int i = 0; i < plan.getJSONArray("keys").length(); ++i)
      keys.put(ofKey(plan.getJSONArray("keys").getString(i), plan.getJSONArray("bodies").getString(i), metadata));
    remove("copy");
    return new JSONObject().put("keys", keys).put("listed", listed()).put("uploads", uploads())
        .put("conditions", conditions()).put("removed", removed());
  }

  public static void main(String[] arguments) throws Exception {
    var plan = new JSONObject(Files.readString(Path.of(arguments[0])));
    System.out.println(new Story(plan).told());
    System.exit(0);  // the asynchronous client's threads would live on for a minute
  }
}
