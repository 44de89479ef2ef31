#include "server/gateway/identify.hpp"

#include "gtest/gtest.h"

namespace sagelet::gateway {
namespace {

http::Head head(std::string method, std::string target, std::string host) {
  http::Head out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers.add("Host", std::move(host));
  return out;
}

TEST(AwsNames, AreTakenApart) {
  const auto sts = parse_aws_name("sts.us-east-1.amazonaws.com:443");
  ASSERT_TRUE(sts);
  EXPECT_EQ(sts->service, "sts");
  EXPECT_EQ(sts->region, "us-east-1");
  EXPECT_EQ(parse_aws_name("iam.amazonaws.com")->service, "iam");
  EXPECT_EQ(parse_aws_name("api.sagemaker.eu-west-1.amazonaws.com")->service, "sagemaker");
  EXPECT_EQ(parse_aws_name("runtime.sagemaker.eu-west-1.amazonaws.com")->service, "sagemaker_runtime");
  EXPECT_EQ(parse_aws_name("STS.CN-NORTH-1.amazonaws.com.cn")->region, "cn-north-1");
  EXPECT_FALSE(parse_aws_name("pypi.org"));
  EXPECT_FALSE(parse_aws_name("amazonaws.com.evil.example"));
}

TEST(AwsNames, GiveTheBucketOfVirtualHostStyle) {
  const auto dotted = parse_aws_name("my.bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(dotted->service, "s3");
  EXPECT_EQ(dotted->bucket, "my.bucket");
  EXPECT_EQ(dotted->region, "eu-west-1");
  EXPECT_EQ(parse_aws_name("b.s3.amazonaws.com")->bucket, "b");
  EXPECT_EQ(parse_aws_name("s3.amazonaws.com")->bucket, "");
  EXPECT_EQ(parse_aws_name("s3-us-west-2.amazonaws.com")->region, "us-west-2");
  EXPECT_EQ(parse_aws_name("b.s3.dualstack.us-west-2.amazonaws.com")->region, "us-west-2");
}

TEST(VirtualHosts, NameBucketsInFrontOfOurNames) {
  EXPECT_EQ(virtual_host_bucket("b.localhost:4577", "127.0.0.1"), "b");
  EXPECT_EQ(virtual_host_bucket("b.s3.localhost", "127.0.0.1"), "b");
  EXPECT_EQ(virtual_host_bucket("s3.localhost", "127.0.0.1"), "");
  EXPECT_EQ(virtual_host_bucket("localhost:4577", "127.0.0.1"), "");
  EXPECT_EQ(virtual_host_bucket("127.0.0.1:4577", "127.0.0.1"), "");
  EXPECT_EQ(virtual_host_bucket("a.b.box.lan:1", "box.lan"), "a.b");
}

TEST(Identify, TellsServicesApart) {
  auto describe = head("POST", "/", "127.0.0.1:4577");
  describe.headers.add("X-Amz-Target", "SageMaker.DescribeTrainingJob");
  EXPECT_EQ(identify(describe, "sagemaker", "127.0.0.1").service, "sagemaker");
  auto logs = head("POST", "/", "127.0.0.1:4577");
  logs.headers.add("X-Amz-Target", "Logs_20140328.PutLogEvents");
  EXPECT_EQ(identify(logs, "", "127.0.0.1").service, "logs");
  EXPECT_EQ(identify(head("POST", "/", "127.0.0.1:4577"), "iam", "127.0.0.1").service, "iam");
  EXPECT_EQ(identify(head("GET", "/bucket/key", "127.0.0.1:4577"), "", "127.0.0.1").service, "s3");
}

TEST(Identify, PutsAVirtualHostBucketInFrontOfThePathAndFoldsNothing) {
  const auto found = identify(head("GET", "/a//../b%2Fc?tagging", "buck.localhost:4577"), "s3", "127.0.0.1");
  EXPECT_EQ(found.target, "/buck/a//../b%2Fc?tagging");
}

TEST(Identify, BelievesTheNameATunnelWasOpenedTo) {
  auto request = head("POST", "/", "whatever");
  request.peer.tunnel_host = "sts.eu-west-1.amazonaws.com";
  const auto found = identify(request, "", "127.0.0.1");
  EXPECT_EQ(found.service, "sts");
  EXPECT_EQ(found.region, "eu-west-1");
}

TEST(Identify, TakesTheNamesOfImageRegistriesApart) {
  const auto registry = parse_aws_name("111122223333.dkr.ecr.eu-west-1.amazonaws.com");
  ASSERT_TRUE(registry);
  EXPECT_EQ(registry->service, "registry");
  EXPECT_EQ(registry->region, "eu-west-1");
  EXPECT_EQ(parse_aws_name("api.ecr.eu-west-1.amazonaws.com")->service, "ecr");
}

TEST(ImageRegistry, IsMeantByItsPathOrItsName) {
  const std::string_view ours = "127.0.0.1";
  EXPECT_TRUE(is_for_registry(head("GET", "/v2/", "127.0.0.1:4577"), ours));
  EXPECT_TRUE(is_for_registry(head("PUT", "/v2/a/manifests/v1", "localhost:4577"), ours));
  EXPECT_TRUE(is_for_registry(head("GET", "/", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"), ours));
  auto tunnelled = head("GET", "/v2/", "whatever");
  tunnelled.peer.tunnel_host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
  EXPECT_TRUE(is_for_registry(tunnelled, ours));
  EXPECT_FALSE(is_for_registry(head("GET", "/v2x/a", "127.0.0.1:4577"), ours));
}

TEST(ImageRegistry, LeavesSignedRequestsAndBucketsAlone) {
  const std::string_view ours = "127.0.0.1";
  auto of_a_service = head("GET", "/v2/a", "127.0.0.1:4577");
  of_a_service.headers.add("Authorization",
                           "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kafka/aws4_request");
  EXPECT_FALSE(is_for_registry(of_a_service, ours));
  EXPECT_FALSE(is_for_registry(head("GET", "/v2/key", "bucket.localhost:4577"), ours));
  EXPECT_FALSE(is_for_registry(head("GET", "/v2/key", "bucket.s3.amazonaws.com"), ours));
}

}  // namespace
}  // namespace sagelet::gateway
